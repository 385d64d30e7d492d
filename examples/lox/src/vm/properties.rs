//! Fields and methods where the site in the code does not know the instance's shape, and the
//! declaration of classes.

use super::{Fault, Vm};
use crate::chunk::Site;
use crate::instance::SPILLED;
use crate::object::{Class, Closure, Instance, Ref, Str};
use crate::value::Value;

#[cold]
pub(super) fn undefined(name: Ref<Str>) -> Fault {
    Fault::Runtime(format!("Undefined property '{}'.", name.text()))
}

/// Sets a field, if the site knows where it is; says whether it did.
#[inline(always)]
pub(super) fn set_known_field(target: Value, site: &Site, value: Value) -> bool {
    let Some(instance) = target.as_kind::<Instance>() else { return false };
    let (word, slot) = (instance.header.word.get(), site.slot.get());
    if word != site.shape.get()
        || word & SPILLED != 0
        || slot >= u32::from(instance.header.small.get())
    {
        return false;
    }
    // SAFETY: it is not spilled and has room for the slot.
    unsafe { *instance.inline_slot(slot) = value };
    instance.header.word.set(site.next_shape.get());
    true
}

impl Vm {
    /// `instance.name`: replaces the instance on top of the stack by the property.
    #[inline(never)]
    pub(super) fn get_property(&mut self, site: &Site) -> Result<(), Fault> {
        // SAFETY: the instance is on top of the stack.
        let top = unsafe { &mut *self.sp.sub(1) };
        let Some(instance) = top.as_kind::<Instance>() else {
            return Err(Fault::Runtime("Only instances have properties.".to_owned()));
        };
        let shape = instance.shape();
        if let Some(slot) = self.heap.shapes.slot(shape, site.name) {
            site.shape.set(instance.header.word.get());
            site.slot.set(slot);
            // SAFETY: the shape has the slot.
            *top = unsafe { *instance.slot(slot) };
            return Ok(());
        }
        let class = self.heap.shapes.class(shape);
        let method = class.methods.get(site.name).ok_or_else(|| undefined(site.name))?;
        self.bind(method);
        Ok(())
    }

    /// `instance.name = value`: leaves the value alone on the stack.
    #[inline(never)]
    pub(super) fn set_property(&mut self, site: &Site) -> Result<(), Fault> {
        // SAFETY: instance and value are on the stack.
        let (target, value) = unsafe { (*self.sp.sub(2), *self.sp.sub(1)) };
        self.assign(target, site, value)?;
        // SAFETY: two values are on the stack.
        unsafe {
            self.sp = self.sp.sub(1);
            *self.sp.sub(1) = value;
        }
        Ok(())
    }

    /// `this.name = value;`: takes the value off the stack.
    #[inline(never)]
    pub(super) fn set_receiver_field(&mut self, this: Value, site: &Site) -> Result<(), Fault> {
        // SAFETY: the value is on top of the stack.
        let value = unsafe { *self.sp.sub(1) };
        self.assign(this, site, value)?;
        // SAFETY: as above.
        self.sp = unsafe { self.sp.sub(1) };
        Ok(())
    }

    pub(super) fn assign(&mut self, target: Value, site: &Site, value: Value) -> Result<(), Fault> {
        let Some(instance) = target.as_kind::<Instance>() else {
            return Err(Fault::Runtime("Only instances have fields.".to_owned()));
        };
        let before = instance.header.word.get();
        let slot = self.heap.shapes.slot(instance.shape(), site.name);
        let slot = match slot {
            Some(slot) => {
                // SAFETY: the shape has the slot.
                unsafe { *instance.slot(slot) = value };
                slot
            }
            None => {
                self.heap.add_field(instance, site.name, value);
                self.heap.shapes.fields(instance.shape()) - 1
            }
        };
        let after = instance.header.word.get();
        // An instance that spilled just now says nothing about others, which had more room.
        if (before ^ after) & SPILLED == 0 {
            site.shape.set(before);
            site.slot.set(slot);
            site.next_shape.set(after);
        }
        Ok(())
    }

    /// `super.name`: replaces receiver and superclass on the stack by the method.
    pub(super) fn get_super(&mut self, site: &Site) -> Result<(), Fault> {
        let method = self.prepare_super_call(site)?;
        self.bind(method);
        Ok(())
    }

    /// Replaces the receiver on top of the stack by one of its methods.
    fn bind(&mut self, method: Ref<Closure>) {
        self.safepoint();
        // SAFETY: the receiver is on top of the stack.
        let top = unsafe { &mut *self.sp.sub(1) };
        *top = Value::object(self.heap.bound_method(*top, method));
    }

    /// The class below a superclass on the stack gets the superclass's methods.
    pub(super) fn inherit(&mut self) -> Result<(), Fault> {
        // SAFETY: the resolver has superclass and class put there.
        let (superclass, class) = unsafe { (*self.sp.sub(2), *self.sp.sub(1)) };
        let Some(superclass) = superclass.as_kind::<Class>() else {
            return Err(Fault::Runtime("Superclass must be a class.".to_owned()));
        };
        let class = class.as_kind::<Class>().expect("it was made just now");
        for (name, method) in superclass.methods.iter() {
            self.heap.add_method(class, name, method);
        }
        class.initializer.set(superclass.initializer.get());
        let fields = class.header.small.get().saturating_add(superclass.header.small.get());
        class.header.small.set(fields);
        Ok(())
    }

    /// Adds the closure on top of the stack to the class below it.
    pub(super) fn add_method(&mut self, name: Ref<Str>) {
        // SAFETY: class and closure are on the stack.
        let (class, method) = unsafe { (*self.sp.sub(2), *self.sp.sub(1)) };
        let class = class.as_kind::<Class>().expect("methods are added to a class");
        let method = method.as_kind::<Closure>().expect("methods are closures");
        self.heap.add_method(class, name, method);
        if name == self.init_text {
            class.initializer.set(Some(method));
        }
        // SAFETY: the closure was on the stack.
        self.sp = unsafe { self.sp.sub(1) };
    }
}
