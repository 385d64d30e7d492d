//! Code for statements and declarations. Each leaves the stack as deep as it was, but for the
//! variables it declares.

use super::Compiler;
use crate::ast::{
    Binding, Block, ClassNode, Expr, FunctionKind, FunctionNode, Loop, Name, ScopeEnd, Stmt,
};
use crate::chunk::Op;

const TOO_FAR: &str = "Too much code to jump over.";

impl Compiler<'_, '_> {
    pub(super) fn statements(&mut self, statements: &[Stmt]) {
        for statement in statements {
            self.statement(statement);
            self.panicking = false;
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Expression { expr, line } => self.effect(expr, *line),
            Stmt::Print { value, line } => {
                self.expr(value);
                self.emit(Op::Print, *line, -1);
            }
            Stmt::Var { name, value, line } => {
                match value {
                    Some(value) => self.expr(value),
                    None => self.emit(Op::Nil, *line, 1),
                }
                self.define(name, *line);
            }
            Stmt::Block(Block { statements, end }) => {
                self.statements(statements);
                self.end_scope(end.get());
            }
            Stmt::If { arms, otherwise } => {
                let mut ends = Vec::new();
                for (index, arm) in arms.iter().enumerate() {
                    let skip = self.jump_unless(&arm.condition, arm.span.line);
                    self.statement(&arm.body);
                    if index + 1 < arms.len() || otherwise.is_some() {
                        let end = self.emit_jump(Op::Jump, arm.span.line, 0);
                        ends.push((end, arm.span));
                    }
                    self.land(skip, arm.span, TOO_FAR);
                }
                if let Some(otherwise) = otherwise {
                    self.statement(otherwise);
                }
                for (end, span) in ends {
                    self.land(end, span, TOO_FAR);
                }
            }
            Stmt::Loop(node) => self.loop_(node),
            Stmt::Return { value, line } => self.return_(value.as_ref(), *line),
            Stmt::Fun { name, function } => {
                self.closure(function);
                self.define(name, function.line);
            }
            Stmt::Class(class) => self.class(class),
            Stmt::Nothing => {}
        }
    }

    /// The condition is tested at the end, so that an iteration takes one jump.
    fn loop_(&mut self, node: &Loop) {
        let line = node.span.line;
        self.statement(&node.initializer);
        let to_condition = node.condition.as_ref().map(|_| self.emit_jump(Op::Jump, line, 0));
        let start = self.function.code.len();
        self.statement(&node.body);
        if let Some(step) = &node.step {
            self.effect(step, line);
        }
        if let (Some(condition), Some(jump)) = (&node.condition, to_condition) {
            self.land(jump, node.span, "Loop body too large.");
            self.expr(condition);
            self.emit_loop(Op::LoopIfTrue, start, node.span, line, -1);
        } else {
            self.emit_loop(Op::Loop, start, node.span, line, 0);
        }
        self.end_scope(node.end.get());
    }

    fn return_(&mut self, value: Option<&Expr>, line: u32) {
        match value {
            Some(value) => self.expr(value),
            None if self.function.kind == FunctionKind::Initializer => {
                self.emit_with_byte(Op::GetLocal, 0, line, 1);
            }
            None => self.emit(Op::Nil, line, 1),
        }
        self.emit(Op::Return, line, -1);
    }

    fn closure(&mut self, node: &FunctionNode) {
        let function = self.function_of(node);
        let index = match u16::try_from(self.function.functions.len()) {
            Ok(index) => index,
            Err(_) => {
                let span = node.name.as_ref().expect("only a script has no name").span;
                self.error(span, "Too many functions in one function.");
                0
            }
        };
        self.function.functions.push(function);
        self.emit_with_short(Op::Closure, index, node.line, 1);
    }

    fn class(&mut self, class: &ClassNode) {
        let line = class.name.span.line;
        let name = self.site(class.name.text, class.name.span);
        self.emit_with_short(Op::Class, name, line, 1);
        self.function.code.extend_from_slice_copy(&class.fields.get().to_ne_bytes());
        self.define(&class.name, line);
        if let Some(superclass) = &class.superclass {
            self.get(&superclass.name);
        }
        self.get(&class.name);
        if let Some(superclass) = &class.superclass {
            self.emit(Op::Inherit, superclass.name.span.line, 0);
        }
        for method in class.methods.iter() {
            self.closure(method);
            let name = method.name.as_ref().expect("only a script has no name");
            let site = self.site_of(name);
            self.emit_with_short(Op::Method, site, method.line, -1);
            self.panicking = false;
        }
        self.emit(Op::Pop, line, -1);
        if let Some(superclass) = &class.superclass {
            self.end_scope(superclass.end.get());
        }
    }

    /// The value on the stack becomes the variable's first.
    fn define(&mut self, name: &Name, line: u32) {
        match name.binding.get() {
            Binding::Global(slot) => self.emit_with_short(Op::DefineGlobal, slot, line, -1),
            Binding::Local(slot) => {
                // The value is where the variable is to be.
                debug_assert_eq!(u32::from(slot) + 1, self.function.depth);
            }
            Binding::Upvalue(_) | Binding::Unknown => {
                unreachable!("a declaration makes a local variable or a global one")
            }
        }
    }

    fn end_scope(&mut self, end: ScopeEnd) {
        let line = self.last_line();
        if end.captured {
            self.emit_with_byte(Op::CloseUpvalues, end.first_slot, line, 0);
        }
        let mut left = i32::from(end.count);
        while left > 0 {
            let now = left.min(255);
            if now == 1 {
                self.emit(Op::Pop, line, -1);
            } else {
                self.emit_with_byte(Op::PopMany, now as u8, line, -now);
            }
            left -= now;
        }
    }
}
