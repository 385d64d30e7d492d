//! Calls of anything but a plain closure.

use super::properties::set_known_field;
use super::{Fault, Vm};
use crate::chunk::{Function, Site};
use crate::instance::SPILLED;
use crate::object::{BoundMethod, Class, Closure, Header, Instance, Native, ObjectKind, Ref};
use crate::value::Value;

/// A closure that is to be entered with the arguments on the stack; `None` if the call is over, and
/// its result on the stack.
pub(super) type Callee = Option<Ref<Closure>>;

impl Vm {
    /// Looks at what is called with `count` arguments. The machine is saved.
    #[inline(always)]
    pub(super) fn prepare_call(&mut self, count: usize) -> Result<Callee, Fault> {
        // SAFETY: callee and arguments are on the stack.
        let callee = unsafe { *self.sp.sub(count + 1) };
        if let Some(class) = callee.as_kind::<Class>() {
            return self.instantiate(class, count);
        }
        self.prepare_rare_call(callee.as_object(), count)
    }

    #[inline(always)]
    fn instantiate(&mut self, class: Ref<Class>, count: usize) -> Result<Callee, Fault> {
        self.safepoint();
        let instance = self.heap.instance(class);
        // SAFETY: callee and arguments are on the stack.
        unsafe { *self.sp.sub(count + 1) = Value::object(instance) };
        let Some(initializer) = class.initializer.get() else {
            return if count == 0 { Ok(None) } else { Err(wrong_count(0, count)) };
        };
        let function = initializer.function();
        match &function.stores {
            Some(stores) if usize::from(function.arity) == count => {
                self.keep_arguments(instance, function, stores, count)?;
                Ok(None)
            }
            _ => Ok(Some(initializer)),
        }
    }

    /// What an initialiser does that only keeps its parameters.
    #[inline(always)]
    fn keep_arguments(
        &mut self,
        instance: Ref<Instance>,
        function: &Function,
        stores: &[u8],
        count: usize,
    ) -> Result<(), Fault> {
        let this = Value::object(instance);
        // SAFETY: the instance, in the callee's place, and the arguments are on the stack; the
        // slots are those of parameters.
        unsafe {
            let base = self.sp.sub(count + 1);
            for (site, slot) in function.sites.iter().zip(stores) {
                let value = *base.add(usize::from(*slot));
                if !set_known_field(this, site, value) {
                    self.assign(this, site, value)?;
                }
            }
            self.sp = base.add(1);
        }
        Ok(())
    }

    #[inline(never)]
    fn prepare_rare_call(
        &mut self,
        callee: Option<Ref<Header>>,
        count: usize,
    ) -> Result<Callee, Fault> {
        let Some(callee) = callee else { return Err(not_callable()) };
        if let Some(closure) = callee.downcast::<Closure>() {
            return Ok(Some(closure));
        }
        if let Some(bound) = callee.downcast::<BoundMethod>() {
            // SAFETY: callee and arguments are on the stack.
            unsafe { *self.sp.sub(count + 1) = bound.receiver };
            return Ok(Some(bound.method));
        }
        if let Some(native) = callee.downcast::<Native>() {
            // SAFETY: callee and arguments are on the stack; the result takes their place.
            unsafe {
                let arguments = self.sp.sub(count);
                let result = (native.function)(std::slice::from_raw_parts(arguments, count));
                self.sp = arguments;
                *self.sp.sub(1) = result;
            }
            return Ok(None);
        }
        Err(not_callable())
    }

    /// `receiver.name(...)`, where the site does not know the receiver's shape.
    #[inline(never)]
    pub(super) fn prepare_invoke(&mut self, site: &Site, count: usize) -> Result<Callee, Fault> {
        // SAFETY: receiver and arguments are on the stack.
        let receiver = unsafe { *self.sp.sub(count + 1) };
        let Some(instance) = receiver.as_kind::<Instance>() else {
            return Err(Fault::Runtime("Only instances have methods.".to_owned()));
        };
        let shape = instance.shape();
        if let Some(slot) = self.heap.shapes.slot(shape, site.name) {
            // A field hides methods; what is in it takes the receiver's place.
            // SAFETY: the shape has the slot; receiver and arguments are on the stack.
            let field = unsafe {
                let field = *instance.slot(slot);
                *self.sp.sub(count + 1) = field;
                field
            };
            return match field.as_object() {
                Some(object) if object.kind == ObjectKind::Class => self.prepare_call(count),
                object => self.prepare_rare_call(object, count),
            };
        }
        let Some(method) = self.heap.shapes.class(shape).methods.get(site.name) else {
            return Err(super::properties::undefined(site.name));
        };
        // A spilled instance has the same methods, and the same shape word all its life.
        let spilled = instance.header.word.get() & SPILLED;
        site.shape.set(shape | spilled);
        site.method.set(Some(method));
        Ok(Some(method))
    }

    /// `super.name(...)`: the superclass is on the stack, above the arguments.
    pub(super) fn prepare_super_call(&mut self, site: &Site) -> Result<Ref<Closure>, Fault> {
        // SAFETY: the superclass is on top of the stack.
        let superclass = unsafe {
            self.sp = self.sp.sub(1);
            *self.sp
        };
        let superclass = superclass.as_kind::<Class>().expect("`super` means a class");
        superclass.methods.get(site.name).ok_or_else(|| super::properties::undefined(site.name))
    }
}

#[cold]
fn not_callable() -> Fault {
    Fault::Runtime("Can only call functions and classes.".to_owned())
}

#[cold]
fn wrong_count(expected: usize, count: usize) -> Fault {
    Fault::Runtime(format!("Expected {expected} arguments but got {count}."))
}

/// Why a closure cannot be entered.
#[cold]
pub(super) fn refusal(function: &Function, count: usize) -> Fault {
    let arity = usize::from(function.arity);
    if arity == count {
        Fault::Runtime("Stack overflow.".to_owned())
    } else {
        wrong_count(arity, count)
    }
}
