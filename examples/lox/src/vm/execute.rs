//! The loop that executes instructions.
//!
//! What it uses all the time is in local variables, for the compiler to keep in registers: the next
//! instruction, the top of the stack, and the slots, constants and sites of the top frame. `save!`
//! writes them back. The common case of each instruction is here; the others are in slow paths that
//! are called, so that this function stays small enough to be compiled well.

use super::properties::set_known_field;
use super::stack::Frame;
use super::{Fault, Vm, calls};
use crate::chunk::{Op, Site};
use crate::instance::SPILLED;
use crate::object::{Closure, Instance, Ref};
use crate::value::Value;

const TWO_NUMBERS: &str = "Operands must be numbers.";
const OUT_OF_STEPS: &str = "The program goes on for too long.";
const TWO_OF_A_KIND: &str = "Operands must be two numbers or two strings.";

impl Vm {
    /// Runs a script whose closure is in the lowest slot of the stack.
    ///
    /// # Safety
    ///
    /// The code is the compiler's, and nothing but the closure is on the stack.
    #[allow(
        unused_assignments,
        reason = "the macros save and load all that an instruction might use"
    )]
    pub(super) unsafe fn execute(&mut self, script: Ref<Closure>) -> Result<(), Fault> {
        let globals = self.globals.values.as_mut_ptr();
        let (first_frame, last_frame) = (self.stack.first_frame(), self.stack.last_frame());
        let stack_top = self.stack.top();
        let mut frame: *mut Frame = first_frame;
        let mut sp: *mut Value = self.sp;
        let mut base: *mut Value = self.stack.bottom();
        let function = script.function();
        let mut ip: *const u8 = function.code.as_ptr();
        let mut constants: *const Value = function.constants.as_ptr();
        let mut sites: *const Site = function.sites.as_ptr();

        /// Makes the state visible to the rest of the machine.
        macro_rules! save {
            () => {{
                (*frame).ip = ip;
                self.frame = frame;
                self.sp = sp;
            }};
        }
        macro_rules! fail {
            ($fault:expr) => {{
                save!();
                return Err($fault);
            }};
        }
        macro_rules! fail_with {
            ($($message:tt)*) => { fail!(runtime_fault(format_args!($($message)*))) };
        }
        macro_rules! byte {
            () => {{
                let byte = *ip;
                ip = ip.add(1);
                byte
            }};
        }
        macro_rules! short {
            () => {{
                let short = ip.cast::<u16>().read_unaligned();
                ip = ip.add(2);
                short
            }};
        }
        macro_rules! site {
            () => {
                &*sites.add(usize::from(short!()))
            };
        }
        macro_rules! push {
            ($value:expr) => {{
                let value = $value;
                debug_assert!({
                    let function = (*frame).closure.function();
                    sp < base.wrapping_add(function.max_stack as usize)
                });
                *sp = value;
                sp = sp.add(1);
            }};
        }
        macro_rules! pop {
            () => {{
                sp = sp.sub(1);
                *sp
            }};
        }
        macro_rules! spend {
            () => {
                if !self.spend(1) {
                    fail_with!("{OUT_OF_STEPS}");
                }
            };
        }
        /// Begins to execute a closure whose callee slot and arguments are on the stack.
        macro_rules! enter {
            ($closure:expr, $count:expr) => {{
                let (closure, count): (Ref<Closure>, usize) = ($closure, $count);
                let callee = closure.function();
                let slots = sp.sub(count + 1);
                let room = (stack_top as usize - slots as usize) / size_of::<Value>();
                if usize::from(callee.arity) != count
                    || frame == last_frame
                    || room < callee.max_stack as usize
                {
                    fail!(calls::refusal(callee, count));
                }
                spend!();
                (*frame).ip = ip;
                frame = frame.add(1);
                base = slots;
                ip = callee.code.as_ptr();
                constants = callee.constants.as_ptr();
                sites = callee.sites.as_ptr();
                frame.write(Frame { closure, ip, base, constants, sites });
            }};
        }
        macro_rules! enter_callee {
            ($callee:expr, $count:expr) => {{
                let callee = $callee;
                sp = self.sp;
                if let Some(closure) = callee {
                    enter!(closure, $count);
                }
            }};
        }
        macro_rules! number_op {
            ($left:ident, $right:ident, $result:expr) => {{
                let (left, right) = (*sp.sub(2), *sp.sub(1));
                if !(left.is_number() && right.is_number()) {
                    fail_with!("{TWO_NUMBERS}");
                }
                let ($left, $right) = (left.as_number(), right.as_number());
                sp = sp.sub(1);
                *sp.sub(1) = $result;
            }};
        }
        macro_rules! jump {
            ($condition:expr) => {{
                let offset = short!();
                if $condition {
                    ip = ip.add(usize::from(offset));
                }
            }};
        }
        macro_rules! jump_unless {
            ($left:ident, $right:ident, $condition:expr) => {{
                let (left, right) = (*sp.sub(2), *sp.sub(1));
                if !(left.is_number() && right.is_number()) {
                    fail_with!("{TWO_NUMBERS}");
                }
                let ($left, $right) = (left.as_number(), right.as_number());
                sp = sp.sub(2);
                // Not the opposite comparison: with NaN neither holds.
                let holds = $condition;
                jump!(!holds);
            }};
        }
        macro_rules! jump_back {
            ($condition:expr) => {{
                let offset = short!();
                if $condition {
                    spend!();
                    ip = ip.sub(usize::from(offset));
                }
            }};
        }

        // SAFETY: for the whole loop: the compiler's code keeps the invariants of `chunk`, so
        // operands are in range of their tables, jumps land on instructions, and the stack is as
        // deep as instructions need it and as `enter!` has made room for; `frame` is between the
        // first and the last one, and frames up to it are initialised.
        unsafe {
            frame.write(Frame { closure: script, ip, base, constants, sites });
            if (stack_top as usize - base as usize) / size_of::<Value>()
                < function.max_stack as usize
            {
                fail!(calls::refusal(function, 0));
            }
            loop {
                match Op::decode(byte!()) {
                    Op::Constant => push!(*constants.add(usize::from(byte!()))),
                    Op::Nil => push!(Value::NIL),
                    Op::True => push!(Value::TRUE),
                    Op::False => push!(Value::FALSE),
                    Op::Pop => sp = sp.sub(1),
                    Op::PopMany => sp = sp.sub(usize::from(byte!())),
                    Op::GetLocal => push!(*base.add(usize::from(byte!()))),
                    Op::SetLocal => *base.add(usize::from(byte!())) = *sp.sub(1),
                    Op::StoreLocal => *base.add(usize::from(byte!())) = pop!(),
                    Op::GetGlobal => {
                        let slot = short!();
                        let value = *globals.add(usize::from(slot));
                        if value == Value::UNSET {
                            fail_with!("Undefined variable '{}'.", self.globals.name(slot).text());
                        }
                        push!(value);
                    }
                    Op::SetGlobal => {
                        let slot = short!();
                        let global = globals.add(usize::from(slot));
                        if *global == Value::UNSET {
                            fail_with!("Undefined variable '{}'.", self.globals.name(slot).text());
                        }
                        *global = *sp.sub(1);
                    }
                    Op::DefineGlobal => *globals.add(usize::from(short!())) = pop!(),
                    Op::GetUpvalue => {
                        let captures = (*frame).closure.captures();
                        let upvalue = *captures.add(usize::from(byte!()));
                        push!(*upvalue.location.get());
                    }
                    Op::SetUpvalue => {
                        let captures = (*frame).closure.captures();
                        let upvalue = *captures.add(usize::from(byte!()));
                        *upvalue.location.get() = *sp.sub(1);
                    }
                    Op::GetField => {
                        let site = site!();
                        if let Some(instance) = (*sp.sub(1)).as_kind::<Instance>() {
                            let word = instance.header.word.get();
                            if word == site.shape.get() {
                                let slot = site.slot.get();
                                *sp.sub(1) = if word & SPILLED == 0 {
                                    *instance.inline_slot(slot)
                                } else {
                                    *instance.slot(slot)
                                };
                                continue;
                            }
                        }
                        save!();
                        self.get_property(site)?;
                    }
                    Op::SetField => {
                        let site = site!();
                        let value = *sp.sub(1);
                        sp = sp.sub(1);
                        if !set_known_field(*sp.sub(1), site, value) {
                            sp = sp.add(1);
                            save!();
                            self.set_property(site)?;
                            sp = self.sp;
                        }
                        *sp.sub(1) = value;
                    }
                    Op::StoreField => {
                        let site = site!();
                        if !set_known_field(*sp.sub(2), site, *sp.sub(1)) {
                            save!();
                            self.set_property(site)?;
                        }
                        sp = sp.sub(2);
                    }
                    Op::GetLocalField => {
                        let site = site!();
                        let target = *base.add(usize::from(byte!()));
                        if let Some(instance) = target.as_kind::<Instance>() {
                            let word = instance.header.word.get();
                            if word == site.shape.get() && word & SPILLED == 0 {
                                push!(*instance.inline_slot(site.slot.get()));
                                continue;
                            }
                        }
                        push!(target);
                        save!();
                        self.get_property(site)?;
                    }
                    Op::StoreThisField => {
                        let site = site!();
                        if set_known_field(*base, site, *sp.sub(1)) {
                            sp = sp.sub(1);
                        } else {
                            save!();
                            self.set_receiver_field(*base, site)?;
                            sp = self.sp;
                        }
                    }
                    Op::GetSuper => {
                        let site = site!();
                        save!();
                        self.get_super(site)?;
                        sp = self.sp;
                    }
                    Op::Equal => {
                        let right = pop!();
                        *sp.sub(1) = Value::bool((*sp.sub(1)).equals(right));
                    }
                    Op::NotEqual => {
                        let right = pop!();
                        *sp.sub(1) = Value::bool(!(*sp.sub(1)).equals(right));
                    }
                    Op::Less => number_op!(left, right, Value::bool(left < right)),
                    Op::LessEqual => number_op!(left, right, Value::bool(left <= right)),
                    Op::Greater => number_op!(left, right, Value::bool(left > right)),
                    Op::GreaterEqual => number_op!(left, right, Value::bool(left >= right)),
                    Op::Add => {
                        let (left, right) = (*sp.sub(2), *sp.sub(1));
                        if left.is_number() && right.is_number() {
                            sp = sp.sub(1);
                            *sp.sub(1) = Value::number(left.as_number() + right.as_number());
                        } else {
                            save!();
                            self.concatenate()?;
                            sp = self.sp;
                        }
                    }
                    Op::AddConstant => {
                        let left = *sp.sub(1);
                        let right = *constants.add(usize::from(byte!()));
                        if !left.is_number() {
                            fail_with!("{TWO_OF_A_KIND}");
                        }
                        *sp.sub(1) = Value::number(left.as_number() + right.as_number());
                    }
                    Op::SubtractConstant => {
                        let left = *sp.sub(1);
                        let right = *constants.add(usize::from(byte!()));
                        if !left.is_number() {
                            fail_with!("{TWO_NUMBERS}");
                        }
                        *sp.sub(1) = Value::number(left.as_number() - right.as_number());
                    }
                    Op::Subtract => number_op!(left, right, Value::number(left - right)),
                    Op::Multiply => number_op!(left, right, Value::number(left * right)),
                    Op::Divide => number_op!(left, right, Value::number(left / right)),
                    Op::Not => *sp.sub(1) = Value::bool(!(*sp.sub(1)).is_truthy()),
                    Op::Negate => {
                        let value = *sp.sub(1);
                        if !value.is_number() {
                            fail_with!("Operand must be a number.");
                        }
                        *sp.sub(1) = Value::number(-value.as_number());
                    }
                    Op::Print => {
                        save!();
                        self.print(pop!())?;
                    }
                    Op::Jump => jump!(true),
                    Op::JumpIfFalse => jump!(!(*sp.sub(1)).is_truthy()),
                    Op::JumpIfTrue => jump!((*sp.sub(1)).is_truthy()),
                    Op::PopJumpIfFalse => jump!(!pop!().is_truthy()),
                    Op::JumpUnlessEqual => {
                        sp = sp.sub(2);
                        jump!(!(*sp).equals(*sp.add(1)));
                    }
                    Op::JumpUnlessNotEqual => {
                        sp = sp.sub(2);
                        jump!((*sp).equals(*sp.add(1)));
                    }
                    Op::JumpUnlessLess => jump_unless!(left, right, left < right),
                    Op::JumpUnlessLessEqual => jump_unless!(left, right, left <= right),
                    Op::JumpUnlessGreater => jump_unless!(left, right, left > right),
                    Op::JumpUnlessGreaterEqual => jump_unless!(left, right, left >= right),
                    Op::Loop => jump_back!(true),
                    Op::LoopIfTrue => jump_back!(pop!().is_truthy()),
                    Op::Call => {
                        let count = usize::from(byte!());
                        let callee = (*sp.sub(count + 1)).as_kind::<Closure>();
                        if let Some(closure) = callee {
                            enter!(closure, count);
                        } else {
                            save!();
                            enter_callee!(self.prepare_call(count)?, count);
                        }
                    }
                    Op::Invoke => {
                        let site = site!();
                        let count = usize::from(byte!());
                        if let Some(instance) = (*sp.sub(count + 1)).as_kind::<Instance>() {
                            if instance.header.word.get() == site.shape.get() {
                                if let Some(method) = site.method.get() {
                                    enter!(method, count);
                                    continue;
                                }
                            }
                        }
                        save!();
                        enter_callee!(self.prepare_invoke(site, count)?, count);
                    }
                    Op::InvokeSuper => {
                        let site = site!();
                        let count = usize::from(byte!());
                        save!();
                        let method = self.prepare_super_call(site)?;
                        enter_callee!(Some(method), count);
                    }
                    Op::Closure => {
                        let index = usize::from(short!());
                        save!();
                        let closure = self.make_closure(index, base);
                        push!(Value::object(closure));
                    }
                    Op::CloseUpvalues => {
                        let first = usize::from(byte!());
                        self.close_upvalues(base.add(first));
                    }
                    Op::Return => {
                        let result = pop!();
                        if self.open.is_some_and(|upvalue| upvalue.location.get() >= base) {
                            self.close_upvalues(base);
                        }
                        if frame == first_frame {
                            return Ok(());
                        }
                        *base = result;
                        sp = base.add(1);
                        frame = frame.sub(1);
                        ip = (*frame).ip;
                        base = (*frame).base;
                        constants = (*frame).constants;
                        sites = (*frame).sites;
                    }
                    Op::Class => {
                        let name = site!().name;
                        let fields = short!();
                        save!();
                        self.safepoint();
                        push!(Value::object(self.heap.class(name, fields)));
                    }
                    Op::Inherit => {
                        save!();
                        self.inherit()?;
                    }
                    Op::Method => {
                        let name = site!().name;
                        save!();
                        self.add_method(name);
                        sp = self.sp;
                    }
                }
            }
        }
    }

    /// Makes a closure of one of the running function's functions; `base` is the frame's.
    fn make_closure(&mut self, index: usize, base: *mut Value) -> Ref<Closure> {
        self.safepoint();
        // SAFETY: the machine is saved.
        let enclosing = unsafe { (*self.frame).closure };
        let function = &*enclosing.function().functions[index];
        let captures = &function.captures;
        let closure = self.heap.closure(function.into(), captures.len() as u16);
        for (index, capture) in captures.iter().enumerate() {
            let place = usize::from(capture.index);
            // SAFETY: the resolver numbers variables and captures of the enclosing function.
            let upvalue = unsafe {
                if capture.is_local {
                    self.capture(base.add(place))
                } else {
                    *enclosing.captures().add(place)
                }
            };
            // SAFETY: the closure has room for that many.
            unsafe { closure.captures().add(index).write(upvalue) };
        }
        closure
    }

    /// What `+` does to anything but two numbers.
    fn concatenate(&mut self) -> Result<(), Fault> {
        self.safepoint();
        // SAFETY: both operands are on the stack.
        let (left, right) = unsafe { (*self.sp.sub(2), *self.sp.sub(1)) };
        let (Some(left), Some(right)) = (left.as_str(), right.as_str()) else {
            return Err(runtime_fault(format_args!(
                "Operands must be two numbers or two strings."
            )));
        };
        if !self.spend((left.text().len() + right.text().len()) / 16) {
            return Err(runtime_fault(format_args!("{OUT_OF_STEPS}")));
        }
        let Some(string) = self.heap.concatenate(left, right) else {
            return Err(runtime_fault(format_args!("String is too long.")));
        };
        // SAFETY: the result takes the operands' place.
        unsafe {
            self.sp = self.sp.sub(1);
            *self.sp.sub(1) = Value::object(string);
        }
        Ok(())
    }
}

#[cold]
fn runtime_fault(message: std::fmt::Arguments<'_>) -> Fault {
    Fault::Runtime(message.to_string())
}
