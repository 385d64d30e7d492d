//! The virtual machine: runs bytecode on a stack of values.
//!
//! ```text
//! stack   | script | a | b | callee | argument | local | temporary |      ...        |
//!           ^ base of frame 0  ^ base of frame 1                    ^ sp
//! ```
//!
//! A frame's slots begin at its callee; parameters, variables and temporaries follow in the order
//! in which they come to be. `execute` keeps the top frame in local variables and writes them back
//! (*saves*) before anything that could look at them: an error, a collection, a slow path.
//!
//! Invariants, beside those of [`crate::chunk`]: a frame is entered only if `max_stack` slots are
//! left for it, so pushing needs no check; every value below `sp` is live; open upvalues are listed
//! from the top of the stack down, and each points at a slot below `sp`.

mod calls;
mod execute;
mod properties;
mod stack;

use std::fmt;
use std::io::{self, Write};
use std::ptr::NonNull;

use self::stack::{Frame, Stack};
use crate::chunk::Function;
use crate::globals::Globals;
use crate::heap::Heap;
use crate::mem::{Handle, Objects};
use crate::number::General;
use crate::object::{Instance, NativeFunction, Ref, Str, Upvalue};
use crate::value::Value;

/// Why a program stopped before its end.
pub(crate) enum Fault {
    /// The program did something that the language forbids.
    Runtime(String),
    /// What it printed could not be written.
    Output(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

pub(crate) struct Vm {
    pub(crate) heap: Heap,
    pub(crate) globals: Globals,
    pub(crate) output: Box<dyn Write>,
    stack: Stack,
    sp: *mut Value,
    /// The top frame; only meaningful while a program runs.
    frame: *mut Frame,
    open: Option<Ref<Upvalue>>,
    init_text: Ref<Str>,
    /// All code ever run: closures point into it.
    scripts: Vec<Handle<Function>>,
    /// How much the running program may still do.
    #[cfg(feature = "bounded")]
    budget: usize,
}

/// How many calls, turns of loops and 16 bytes of text a program may have in all.
#[cfg(feature = "bounded")]
const BUDGET: usize = 5_000;

impl Vm {
    pub(crate) fn new(output: Box<dyn Write>, gc_stress: bool, objects: Objects) -> Self {
        // SAFETY: every `Ref` is in the machine itself, in its heap, or in what it compiles and
        // runs; none of it gets out.
        let mut heap = unsafe { Heap::new(gc_stress, objects) };
        let init_text = heap.intern("init").pin();
        let stack = Stack::new();
        Self {
            heap,
            globals: Globals::default(),
            output,
            sp: stack.bottom(),
            frame: stack.first_frame(),
            stack,
            open: None,
            init_text,
            scripts: Vec::new(),
            #[cfg(feature = "bounded")]
            budget: 0,
        }
    }

    /// Makes a function of the interpreter's own a global variable.
    pub(crate) fn define_native(&mut self, name: &str, function: NativeFunction) {
        let name = self.heap.intern(name);
        let native = self.heap.native(function);
        let slot = self.globals.slot(name).expect("natives are few");
        self.globals.values[usize::from(slot)] = Value::object(native);
    }

    /// Runs a script to its end. Afterwards the machine is ready for the next, whatever happened;
    /// a runtime error comes with the text of its trace.
    pub(crate) fn run(&mut self, script: Handle<Function>) -> Result<(), Fault> {
        #[cfg(feature = "bounded")]
        {
            self.budget = BUDGET;
        }
        self.scripts.push(script);
        let script = NonNull::from(&**self.scripts.last().expect("it was pushed above"));
        let closure = self.heap.closure(script, 0);
        // SAFETY: the stack is empty, and scripts capture nothing.
        unsafe {
            *self.sp = Value::object(closure);
            self.sp = self.sp.add(1);
        }
        // SAFETY: the code comes from the compiler, and the stack holds the script alone.
        let result = unsafe { self.execute(closure) };
        let result = result.map_err(|fault| match fault {
            Fault::Runtime(message) => Fault::Runtime(format!("{message}\n{}", self.trace())),
            output => output,
        });
        self.reset();
        result
    }

    /// Takes so much of what the program may do; `false` if there is too little left.
    #[cfg(feature = "bounded")]
    fn spend(&mut self, steps: usize) -> bool {
        let left = self.budget.checked_sub(steps);
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes so much of what the program may do, which is without bound.
    #[cfg(not(feature = "bounded"))]
    #[inline(always)]
    #[expect(clippy::unused_self, reason = "with the feature `bounded` it is used")]
    fn spend(&mut self, _steps: usize) -> bool {
        true
    }

    /// The lines in which the calls stand, innermost first.
    fn trace(&self) -> String {
        let mut trace = String::new();
        let mut frame = self.frame;
        loop {
            // SAFETY: frames from the first to the top one are in use, and saved.
            let Frame { closure, ip, .. } = unsafe { &*frame };
            let function = closure.function();
            // The instruction has been read at least in part, so the last byte read is its own.
            let offset = (*ip as usize).saturating_sub(function.code.as_ptr() as usize + 1);
            let line = function.line(offset);
            match function.name {
                Some(name) => trace += &format!("[line {line}] in {}()\n", name.text()),
                None => trace += &format!("[line {line}] in script\n"),
            }
            if frame == self.stack.first_frame() {
                return trace;
            }
            // SAFETY: it is not the first one.
            frame = unsafe { frame.sub(1) };
        }
    }

    /// Empties the stack. Closures that the program kept keep their variables.
    fn reset(&mut self) {
        self.close_upvalues(self.stack.bottom());
        self.sp = self.stack.bottom();
        self.frame = self.stack.first_frame();
    }

    /// Collects garbage if it is time to. What is in use must be on the stack, and saved.
    #[inline(always)]
    fn safepoint(&mut self) {
        if self.heap.wants_collection() {
            self.collect();
        }
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self) {
        self.heap.begin_marking();
        let mut slot = self.stack.bottom();
        while slot < self.sp {
            // SAFETY: values below `sp` are live.
            self.heap.mark_value(unsafe { *slot });
            // SAFETY: the slot is below `sp`.
            slot = unsafe { slot.add(1) };
        }
        let mut frame = self.stack.first_frame();
        // Nothing runs while the stack is empty, so there is no frame then.
        while frame <= self.frame && self.sp > self.stack.bottom() {
            // SAFETY: frames from the first to the top one are in use.
            self.heap.mark(unsafe { (*frame).closure });
            // SAFETY: it is at most the top frame, which is not past the end.
            frame = unsafe { frame.add(1) };
        }
        let mut open = self.open;
        while let Some(upvalue) = open {
            self.heap.mark(upvalue);
            open = upvalue.next.get();
        }
        for index in 0..self.globals.values.len() {
            self.heap.mark_value(self.globals.values[index]);
        }
        // SAFETY: the roots were marked above; names in code are pinned, caches hold what their
        // class holds.
        if unsafe { self.heap.collect() } {
            self.scripts.iter().for_each(|script| script.forget_shapes());
        }
    }

    /// The upvalue for a variable that is still on the stack.
    fn capture(&mut self, location: *mut Value) -> Ref<Upvalue> {
        let mut above = None;
        let mut candidate = self.open;
        while let Some(upvalue) = candidate {
            if upvalue.location.get() <= location {
                break;
            }
            above = candidate;
            candidate = upvalue.next.get();
        }
        if let Some(found) = candidate.filter(|upvalue| upvalue.location.get() == location) {
            return found;
        }
        let new = self.heap.upvalue(location, candidate);
        match above {
            Some(above) => above.next.set(Some(new)),
            None => self.open = Some(new),
        }
        new
    }

    /// Moves captured variables from `last` on off the stack.
    fn close_upvalues(&mut self, last: *mut Value) {
        while let Some(upvalue) = self.open.filter(|upvalue| upvalue.location.get() >= last) {
            self.open = upvalue.next.get();
            // SAFETY: it is on the list of open ones.
            unsafe { upvalue.close() };
        }
    }

    fn print(&mut self, value: Value) -> Result<(), Fault> {
        let shown = Shown { value, heap: &self.heap };
        Ok(writeln!(self.output, "{shown}")?)
    }
}

/// A value as `print` shows it.
struct Shown<'h> {
    value: Value,
    heap: &'h Heap,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        if value.is_number() {
            write!(f, "{}", General(value.as_number()))
        } else if let Some(instance) = value.as_kind::<Instance>() {
            write!(f, "{} instance", self.heap.shapes.class(instance.shape()).name.text())
        } else if let Some(object) = value.as_object() {
            write!(f, "{object}")
        } else if value == Value::NIL {
            f.write_str("nil")
        } else {
            write!(f, "{}", value.is_truthy())
        }
    }
}

#[cfg(test)]
mod tests;
