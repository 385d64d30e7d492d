//! Compiled code: instructions, and the functions that they make up.
//!
//! An instruction is a byte and its operands: `u8`, or `u16` in the machine's byte order. Offsets
//! of jumps count from the end of the instruction.
//!
//! Some instructions do the work of two or three that nearly always come together: a comparison and
//! the jump that it decides, a field of a local variable, a constant that is added.
//!
//! A [`Function`] and all its tables are in family `Code`. They are built once, by the compiler,
//! never change (but for the caches in [`Site`]), and stay until the interpreter is dropped: so
//! closures and frames point at them without counting.
//!
//! Invariants, on which the virtual machine relies instead of checking: code ends in `Return`;
//! operands are within their tables; jumps land on instructions; no instruction makes the stack
//! deeper than `max_stack` above the frame's first slot, or pops what its function did not push.

use std::cell::Cell;
use std::fmt;

use crate::mem::{CodeSlice, Handle};
use crate::object::{Closure, Ref, Str};
use crate::shapes::NO_SHAPE;
use crate::value::Value;

macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What the virtual machine can do. Comments give operands, then the stack before and after.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Op { $($(#[$doc])* $name,)* }

        impl Op {
            /// # Safety
            ///
            /// `byte` is that of an instruction.
            #[inline(always)]
            pub(crate) unsafe fn decode(byte: u8) -> Self {
                const COUNT: usize = [$(Op::$name),*].len();
                debug_assert!((byte as usize) < COUNT);
                // SAFETY: the caller's promise; instructions are numbered from 0 without a gap.
                unsafe { std::mem::transmute(byte) }
            }
        }
    };
}

instructions! {
    /// u8 constant: -- value
    Constant,
    /// -- nil
    Nil,
    /// -- true
    True,
    /// -- false
    False,
    /// value --
    Pop,
    /// u8 count: values --
    PopMany,
    /// u8 slot: -- value
    GetLocal,
    /// u8 slot: value -- value
    SetLocal,
    /// u8 slot: value --
    StoreLocal,
    /// u16 global: -- value
    GetGlobal,
    /// u16 global: value -- value
    SetGlobal,
    /// u16 global: value --
    DefineGlobal,
    /// u8 capture: -- value
    GetUpvalue,
    /// u8 capture: value -- value
    SetUpvalue,
    /// u16 site: instance -- value
    GetField,
    /// u16 site: instance value -- value
    SetField,
    /// u16 site: instance value --
    StoreField,
    /// u16 site, u8 slot: -- value ; of the instance in a local variable
    GetLocalField,
    /// u16 site: value -- ; into the receiver, in slot 0
    StoreThisField,
    /// u16 site: receiver class -- method
    GetSuper,
    /// left right -- truth
    Equal,
    /// left right -- truth
    NotEqual,
    /// left right -- truth
    Less,
    /// left right -- truth
    LessEqual,
    /// left right -- truth
    Greater,
    /// left right -- truth
    GreaterEqual,
    /// left right -- sum
    Add,
    /// u8 constant: left -- sum
    AddConstant,
    /// left right -- difference
    Subtract,
    /// u8 constant: left -- difference
    SubtractConstant,
    /// left right -- product
    Multiply,
    /// left right -- quotient
    Divide,
    /// value -- truth
    Not,
    /// number -- number
    Negate,
    /// value --
    Print,
    /// u16 offset: --
    Jump,
    /// u16 offset: value -- value
    JumpIfFalse,
    /// u16 offset: value -- value
    JumpIfTrue,
    /// u16 offset: value --
    PopJumpIfFalse,
    /// u16 offset: left right --
    JumpUnlessEqual,
    /// u16 offset: left right --
    JumpUnlessNotEqual,
    /// u16 offset: left right --
    JumpUnlessLess,
    /// u16 offset: left right --
    JumpUnlessLessEqual,
    /// u16 offset: left right --
    JumpUnlessGreater,
    /// u16 offset: left right --
    JumpUnlessGreaterEqual,
    /// u16 offset back: --
    Loop,
    /// u16 offset back: value --
    LoopIfTrue,
    /// u8 arguments: callee arguments -- result
    Call,
    /// u16 site, u8 arguments: receiver arguments -- result
    Invoke,
    /// u16 site, u8 arguments: receiver arguments class -- result
    InvokeSuper,
    /// u16 function: -- closure
    Closure,
    /// u8 slot: -- ; variables from that slot on leave the stack
    CloseUpvalues,
    /// value -- ; returns it to the caller
    Return,
    /// u16 site (for the name), u16 field hint: -- class
    Class,
    /// superclass class -- superclass class
    Inherit,
    /// u16 site (for the name): class method -- class
    Method,
}

/// Where a closure finds a variable when it is made.
#[famalloc::alloc_family(crate::mem::Lives::Code)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capture {
    /// A local slot of the enclosing function, or one of the variables that it captured itself.
    pub(crate) index: u8,
    pub(crate) is_local: bool,
}

/// A place in the code that names a property, with what it found there last time.
#[famalloc::alloc_family(crate::mem::Lives::Code)]
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) name: Ref<Str>,
    /// The shape word (with the mark of spilled instances) for which the rest holds.
    pub(crate) shape: Cell<u32>,
    /// For fields: the slot.
    pub(crate) slot: Cell<u32>,
    /// For assignments: the shape word afterwards.
    pub(crate) next_shape: Cell<u32>,
    /// For calls: the method. Alive while the shape is, because the class has both.
    pub(crate) method: Cell<Option<Ref<Closure>>>,
}

impl Site {
    pub(crate) fn new(name: Ref<Str>) -> Self {
        Self {
            name,
            shape: Cell::new(NO_SHAPE),
            slot: Cell::new(0),
            next_shape: Cell::new(NO_SHAPE),
            method: Cell::new(None),
        }
    }

    fn forget(&self) {
        self.shape.set(NO_SHAPE);
        self.method.set(None);
    }
}

/// From `offset` on, instructions come from line `line`.
#[famalloc::alloc_family(crate::mem::Lives::Code)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineRun {
    pub(crate) offset: u32,
    pub(crate) line: u32,
}

/// A compiled function, or a whole script, which is a function without a name.
#[famalloc::alloc_family(crate::mem::Lives::Code)]
pub(crate) struct Function {
    pub(crate) name: Option<Ref<Str>>,
    pub(crate) arity: u8,
    pub(crate) max_stack: u32,
    pub(crate) code: CodeSlice<u8>,
    pub(crate) constants: CodeSlice<Value>,
    pub(crate) sites: Handle<[Site]>,
    pub(crate) functions: CodeSlice<Handle<Function>>,
    pub(crate) captures: Handle<[Capture]>,
    /// Of an initialiser that does nothing but keep its parameters in fields: the slot of the
    /// parameter that goes into the field of each site, in order. Making an instance then takes no
    /// call.
    pub(crate) stores: Option<CodeSlice<u8>>,
    pub(crate) lines: Handle<[LineRun]>,
}

impl Function {
    /// The source line of the instruction at `offset`.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        let next = self.lines.partition_point(|run| run.offset as usize <= offset);
        next.checked_sub(1).map_or(0, |index| self.lines[index].line)
    }

    /// Empties all caches, of the functions inside too: shapes have died.
    pub(crate) fn forget_shapes(&self) {
        self.sites.iter().for_each(Site::forget);
        self.functions.iter().for_each(|function| function.forget_shapes());
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "<fn {}>", name.text()),
            None => f.write_str("<script>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_offset() {
        let runs = [(0, 1), (3, 2), (9, 7)].map(|(offset, line)| LineRun { offset, line });
        let function = Function {
            name: None,
            arity: 0,
            max_stack: 1,
            code: crate::mem::code_slice(&[]),
            constants: crate::mem::code_slice(&[]),
            sites: std::iter::empty().collect(),
            functions: std::iter::empty().collect(),
            captures: std::iter::empty().collect(),
            stores: None,
            lines: runs.into_iter().collect(),
        };
        let lines = [0, 2, 3, 8, 9, 1000].map(|offset| function.line(offset));
        assert_eq!(lines, [1, 1, 2, 2, 7, 7]);
        assert_eq!(function.to_string(), "<script>");
    }
}
