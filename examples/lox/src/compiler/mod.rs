//! The compiler: resolved syntax tree to bytecode.
//!
//! Code, constants, and the other tables of a function grow in scratch memory and move to family
//! `Code` when the function is complete; afterwards nothing refers to the tree.
//!
//! The compiler keeps count of how deep the stack is at each instruction, and so knows how deep it
//! gets: on that the virtual machine relies, which checks for room once a call. Every instruction
//! is therefore emitted together with what it does to the depth.

mod expressions;
mod statements;

use bumpalo::Bump;
use bumpalo::collections::Vec as ScratchVec;

use crate::ast::{Binding, Expr, FunctionKind, FunctionNode, Property, Stmt};
use crate::chunk::{Function, LineRun, Op, Site};
use crate::diagnostics::Diagnostics;
use crate::mem::{self, CodeSlice, Handle};
use crate::object::{Ref, Str};
use crate::token::Span;
use crate::value::Value;

/// Constants are numbered in a byte.
const MOST_CONSTANTS: usize = 256;

/// Compiles a script that was parsed and resolved without an error. If there is one now, the result
/// is not fit to run.
pub(crate) fn compile(
    script: &FunctionNode,
    diagnostics: &mut Diagnostics<'_>,
    scratch: &Bump,
) -> Handle<Function> {
    let mut compiler = Compiler {
        diagnostics,
        scratch,
        function: Draft::new(scratch, FunctionKind::Script, 0),
        spine: Vec::new(),
        panicking: false,
    };
    compiler.function_of(script)
}

/// A function in the making.
struct Draft<'c> {
    code: ScratchVec<'c, u8>,
    constants: ScratchVec<'c, Value>,
    sites: ScratchVec<'c, Site>,
    functions: ScratchVec<'c, Handle<Function>>,
    lines: ScratchVec<'c, LineRun>,
    depth: u32,
    max_stack: u32,
    kind: FunctionKind,
}

impl<'c> Draft<'c> {
    fn new(scratch: &'c Bump, kind: FunctionKind, depth: u32) -> Self {
        Self {
            code: ScratchVec::new_in(scratch),
            constants: ScratchVec::new_in(scratch),
            sites: ScratchVec::new_in(scratch),
            functions: ScratchVec::new_in(scratch),
            lines: ScratchVec::new_in(scratch),
            depth,
            max_stack: depth,
            kind,
        }
    }
}

/// A jump whose target is not known yet.
#[must_use]
struct Jump(usize);

struct Compiler<'c, 's> {
    diagnostics: &'c mut Diagnostics<'s>,
    scratch: &'c Bump,
    function: Draft<'c>,
    /// Expressions whose leftmost operand is being compiled, innermost last.
    spine: Vec<*const Expr>,
    panicking: bool,
}

impl<'c> Compiler<'c, '_> {
    fn error(&mut self, span: Span, message: &'static str) {
        if !self.panicking {
            self.panicking = true;
            self.diagnostics.error_at(span, message);
        }
    }

    fn function_of(&mut self, node: &FunctionNode) -> Handle<Function> {
        let arity = node.parameters.len() as u32;
        let draft = Draft::new(self.scratch, node.kind, 1 + arity);
        let outer = std::mem::replace(&mut self.function, draft);
        self.statements(&node.body);
        if node.kind == FunctionKind::Initializer {
            self.emit_with_byte(Op::GetLocal, 0, node.line, 1);
        } else {
            self.emit(Op::Nil, node.line, 1);
        }
        self.emit(Op::Return, node.line, -1);
        let draft = std::mem::replace(&mut self.function, outer);
        let captures = node.captures.get().expect("the resolver has been here");
        Handle::new(Function {
            name: node.name.as_ref().map(|name| name.text.pin()),
            arity: arity.min(255) as u8,
            max_stack: draft.max_stack,
            code: mem::code_slice(&draft.code),
            constants: mem::code_slice(&draft.constants),
            sites: draft.sites.into_iter().collect(),
            functions: draft.functions.into_iter().collect(),
            captures: captures.iter().map(|captured| captured.0).collect(),
            stores: self.stores(node),
            lines: draft.lines.into_iter().collect(),
        })
    }

    /// The parameters that an initialiser keeps in fields, if that is all it does.
    fn stores(&self, node: &FunctionNode) -> Option<CodeSlice<u8>> {
        if node.kind != FunctionKind::Initializer {
            return None;
        }
        let mut slots = ScratchVec::new_in(self.scratch);
        for statement in node.body.iter() {
            let Stmt::Expression { expr: Expr::Set { object, value, .. }, .. } = statement else {
                return None;
            };
            let (Expr::This { .. }, Expr::Variable { name }) = (&**object, &**value) else {
                return None;
            };
            let Binding::Local(slot) = name.binding.get() else { return None };
            slots.push(slot);
        }
        Some(mem::code_slice(&slots))
    }

    /// Emits an instruction that makes the stack deeper by `effect`.
    fn emit(&mut self, op: Op, line: u32, effect: i32) {
        let function = &mut self.function;
        if function.lines.last().is_none_or(|run| run.line != line) {
            let offset = function.code.len() as u32;
            function.lines.push(LineRun { offset, line });
        }
        function.code.push(op as u8);
        function.depth = function.depth.saturating_add_signed(effect);
        function.max_stack = function.max_stack.max(function.depth);
    }

    /// The line of the last instruction, for those that cannot fail.
    fn last_line(&self) -> u32 {
        self.function.lines.last().map_or(0, |run| run.line)
    }

    fn emit_with_byte(&mut self, op: Op, operand: u8, line: u32, effect: i32) {
        self.emit(op, line, effect);
        self.function.code.push(operand);
    }

    fn emit_with_short(&mut self, op: Op, operand: u16, line: u32, effect: i32) {
        self.emit(op, line, effect);
        self.function.code.extend_from_slice_copy(&operand.to_ne_bytes());
    }

    fn emit_jump(&mut self, op: Op, line: u32, effect: i32) -> Jump {
        self.emit_with_short(op, 0, line, effect);
        Jump(self.function.code.len())
    }

    /// Lets a jump land here.
    fn land(&mut self, jump: Jump, span: Span, message: &'static str) {
        match u16::try_from(self.function.code.len() - jump.0) {
            Ok(offset) => {
                self.function.code[jump.0 - 2..jump.0].copy_from_slice(&offset.to_ne_bytes());
            }
            Err(_) => self.error(span, message),
        }
    }

    fn emit_loop(&mut self, op: Op, start: usize, span: Span, line: u32, effect: i32) {
        let offset = u16::try_from(self.function.code.len() + 3 - start).unwrap_or_else(|_| {
            self.error(span, "Loop body too large.");
            0
        });
        self.emit_with_short(op, offset, line, effect);
    }

    /// Emits the instruction that loads a constant.
    fn load(&mut self, value: Value, span: Span) {
        let index = self.constant(value, span);
        self.emit_with_byte(Op::Constant, index, span.line, 1);
    }

    /// The number of a constant, which is added if it is not there yet.
    fn constant(&mut self, value: Value, span: Span) -> u8 {
        let known = self.function.constants.iter().position(|constant| *constant == value);
        let mut index = known.unwrap_or(self.function.constants.len());
        if index == MOST_CONSTANTS {
            self.error(span, "Too many constants in one chunk.");
            index = 0;
        } else if known.is_none() {
            self.function.constants.push(value);
        }
        index as u8
    }

    /// A new site for a property; each has its own, for what it remembers.
    fn site(&mut self, text: Ref<Str>, span: Span) -> u16 {
        let Ok(index) = u16::try_from(self.function.sites.len()) else {
            self.error(span, "Too many properties in one function.");
            return 0;
        };
        self.function.sites.push(Site::new(text.pin()));
        index
    }

    fn site_of(&mut self, property: &Property) -> u16 {
        self.site(property.text, property.span)
    }
}

#[cfg(test)]
mod tests;
