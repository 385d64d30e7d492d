//! Code for expressions. Each leaves one value on the stack.

use super::{Compiler, Jump};
use crate::ast::{BinaryOp, Binding, Expr, LogicalOp, Name, SuperExpr, UnaryOp};
use crate::chunk::Op;
use crate::value::Value;

impl Compiler<'_, '_> {
    /// An expression whose value nobody wants.
    pub(super) fn effect(&mut self, expr: &Expr, line: u32) {
        match expr {
            Expr::Assign { name, value, line } => {
                if let Binding::Local(slot) = name.binding.get() {
                    self.expr(value);
                    self.emit_with_byte(Op::StoreLocal, slot, *line, -1);
                    return;
                }
            }
            Expr::Set { object, property, value, line } => {
                // Only a variable that cannot change may be read after the value was computed.
                let is_receiver = matches!(&**object, Expr::This { name } if is_local(name));
                if !is_receiver {
                    self.expr(object);
                }
                self.expr(value);
                let site = self.site_of(property);
                if is_receiver {
                    self.emit_with_short(Op::StoreThisField, site, *line, -1);
                } else {
                    self.emit_with_short(Op::StoreField, site, *line, -2);
                }
                return;
            }
            _ => {}
        }
        self.expr(expr);
        self.emit(Op::Pop, line, -1);
    }

    /// A condition, and a jump that is taken if it does not hold.
    pub(super) fn jump_unless(&mut self, condition: &Expr, line: u32) -> Jump {
        if let Expr::Binary { operator, left, right, line } = condition {
            if let Some(op) = jump_unless_op(*operator) {
                self.expr(left);
                self.expr(right);
                return self.emit_jump(op, *line, -2);
            }
        }
        self.expr(condition);
        self.emit_jump(Op::PopJumpIfFalse, line, -1)
    }

    /// An expression: down its spine to the leftmost operand, then up again, in a loop.
    pub(super) fn expr(&mut self, expr: &Expr) {
        let outer = self.spine.len();
        let mut leftmost = expr;
        while let Some(left) = leftmost.left() {
            if self.field_of_local(leftmost) {
                break;
            }
            self.spine.push(leftmost);
            leftmost = left;
        }
        if leftmost.left().is_none() {
            self.operand(leftmost);
        }
        while self.spine.len() > outer {
            let Some(parent) = self.spine.pop() else { break };
            // SAFETY: it points into the tree, which is borrowed for the whole of `expr`.
            self.rest(unsafe { &*parent });
        }
    }

    /// Code for a field of a local variable, if that is what this is.
    fn field_of_local(&mut self, expr: &Expr) -> bool {
        let Expr::Get { object, property } = expr else { return false };
        let (Expr::Variable { name } | Expr::This { name }) = &**object else { return false };
        let Binding::Local(slot) = name.binding.get() else { return false };
        let site = self.site_of(property);
        self.emit_with_short(Op::GetLocalField, site, property.span.line, 1);
        self.function.code.push(slot);
        true
    }

    /// An expression that has no leftmost operand of unlimited depth.
    fn operand(&mut self, expr: &Expr) {
        match expr {
            Expr::Nil { line } => self.emit(Op::Nil, *line, 1),
            Expr::True { line } => self.emit(Op::True, *line, 1),
            Expr::False { line } => self.emit(Op::False, *line, 1),
            Expr::Number { value, span } => self.load(Value::number(*value), *span),
            Expr::String { value, span } => self.load(Value::object(value.pin()), *span),
            Expr::Variable { name } | Expr::This { name } => self.get(name),
            Expr::Assign { name, value, line } => {
                self.expr(value);
                match name.binding.get() {
                    Binding::Local(slot) => self.emit_with_byte(Op::SetLocal, slot, *line, 0),
                    Binding::Upvalue(slot) => self.emit_with_byte(Op::SetUpvalue, slot, *line, 0),
                    Binding::Global(slot) => self.emit_with_short(Op::SetGlobal, slot, *line, 0),
                    Binding::Unknown => unreachable!("{RESOLVED}"),
                }
            }
            Expr::Unary { operator, operand, line } => {
                self.expr(operand);
                let op = match operator {
                    UnaryOp::Not => Op::Not,
                    UnaryOp::Negate => Op::Negate,
                };
                self.emit(op, *line, 0);
            }
            Expr::Super(node) => self.super_(node),
            _ => unreachable!("a program with errors is not compiled, and the rest has a spine"),
        }
    }

    /// What comes after the leftmost operand, whose value is on the stack.
    fn rest(&mut self, expr: &Expr) {
        match expr {
            Expr::Binary { operator, right, line, .. } => {
                let with_constant = match operator {
                    BinaryOp::Add => Some(Op::AddConstant),
                    BinaryOp::Subtract => Some(Op::SubtractConstant),
                    _ => None,
                };
                if let (Some(op), Expr::Number { value, span }) = (with_constant, &**right) {
                    let index = self.constant(Value::number(*value), *span);
                    self.emit_with_byte(op, index, *line, 0);
                    return;
                }
                self.expr(right);
                self.emit(binary_op(*operator), *line, -1);
            }
            Expr::Logical { operator, right, span, .. } => {
                let op = match operator {
                    LogicalOp::And => Op::JumpIfFalse,
                    LogicalOp::Or => Op::JumpIfTrue,
                };
                let jump = self.emit_jump(op, span.line, 0);
                self.emit(Op::Pop, span.line, -1);
                self.expr(right);
                self.land(jump, *span, "Too much code to jump over.");
            }
            Expr::Call { arguments, line, .. } => {
                let count = self.arguments(arguments);
                self.emit_with_byte(Op::Call, count, *line, -i32::from(count));
            }
            Expr::Get { property, .. } => {
                let site = self.site_of(property);
                self.emit_with_short(Op::GetField, site, property.span.line, 0);
            }
            Expr::Set { property, value, line, .. } => {
                self.expr(value);
                let site = self.site_of(property);
                self.emit_with_short(Op::SetField, site, *line, -1);
            }
            Expr::Invoke { property, arguments, line, .. } => {
                let count = self.arguments(arguments);
                let site = self.site_of(property);
                self.emit_with_short(Op::Invoke, site, *line, -i32::from(count));
                self.function.code.push(count);
            }
            _ => unreachable!("only these have a leftmost operand"),
        }
    }

    fn arguments(&mut self, arguments: &[Expr]) -> u8 {
        for argument in arguments {
            self.expr(argument);
        }
        u8::try_from(arguments.len()).expect("the parser allows no more")
    }

    fn super_(&mut self, node: &SuperExpr) {
        self.get(&node.this);
        let site = self.site_of(&node.property);
        if let Some(arguments) = &node.arguments {
            let count = self.arguments(arguments);
            self.get(&node.superclass);
            self.emit_with_short(Op::InvokeSuper, site, node.line, -i32::from(count) - 1);
            self.function.code.push(count);
        } else {
            self.get(&node.superclass);
            self.emit_with_short(Op::GetSuper, site, node.line, -1);
        }
    }

    /// The value of a variable.
    pub(super) fn get(&mut self, name: &Name) {
        let line = name.span.line;
        match name.binding.get() {
            Binding::Local(slot) => self.emit_with_byte(Op::GetLocal, slot, line, 1),
            Binding::Upvalue(slot) => self.emit_with_byte(Op::GetUpvalue, slot, line, 1),
            Binding::Global(slot) => self.emit_with_short(Op::GetGlobal, slot, line, 1),
            Binding::Unknown => unreachable!("{RESOLVED}"),
        }
    }
}

fn is_local(name: &Name) -> bool {
    matches!(name.binding.get(), Binding::Local(_))
}

fn jump_unless_op(operator: BinaryOp) -> Option<Op> {
    Some(match operator {
        BinaryOp::Equal => Op::JumpUnlessEqual,
        BinaryOp::NotEqual => Op::JumpUnlessNotEqual,
        BinaryOp::Less => Op::JumpUnlessLess,
        BinaryOp::LessEqual => Op::JumpUnlessLessEqual,
        BinaryOp::Greater => Op::JumpUnlessGreater,
        BinaryOp::GreaterEqual => Op::JumpUnlessGreaterEqual,
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => return None,
    })
}

const RESOLVED: &str = "the resolver binds every name, or reports an error";

fn binary_op(operator: BinaryOp) -> Op {
    match operator {
        BinaryOp::Equal => Op::Equal,
        BinaryOp::NotEqual => Op::NotEqual,
        BinaryOp::Less => Op::Less,
        BinaryOp::LessEqual => Op::LessEqual,
        BinaryOp::Greater => Op::Greater,
        BinaryOp::GreaterEqual => Op::GreaterEqual,
        BinaryOp::Add => Op::Add,
        BinaryOp::Subtract => Op::Subtract,
        BinaryOp::Multiply => Op::Multiply,
        BinaryOp::Divide => Op::Divide,
    }
}
