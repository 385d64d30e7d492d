//! Code for a stack machine, and its listing.

use std::fmt;

use famalloc::{FamilyBox, alloc_family};

use crate::ast::{Expr, ExprKind, Function, Operator};
use crate::lives;
use crate::names::{Name, Names};

/// What the machine can do. Jumps name the instruction to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Push(i64),
    Load(u16),
    Store(u16),
    Apply(Operator),
    JumpIfFalse(u32),
    Jump(u32),
    Call(u16),
    Return,
}

/// A function as the machine wants it.
pub(crate) struct Code {
    pub(crate) name: Name,
    pub(crate) parameters: u16,
    pub(crate) slots: u16,
    pub(crate) ops: FamilyBox<[Op], lives::Code>,
}

/// What is left of a unit when it is compiled: the attribute makes the list of its functions a member of
/// the family, as their code is.
#[alloc_family(Lives::Code)]
pub(crate) struct Program {
    pub(crate) functions: FamilyBox<[Code], lives::Code>,
    /// Where to begin.
    pub(crate) main: Option<usize>,
}

impl Program {
    /// Emits the code of all functions; `main` is the one of that name.
    pub(crate) fn emit(functions: &[Function<'_>], main: Name) -> Self {
        // One list to work in, for all functions; what stays is copied out of it at its exact size.
        let mut ops = Vec::new();
        let code = functions.iter().map(|function| {
            ops.clear();
            expression(&mut ops, function.body);
            ops.push(Op::Return);
            Code {
                name: function.name,
                parameters: function.parameters.len() as u16,
                slots: function.slots,
                ops: FamilyBox::from(&*ops),
            }
        });
        Self {
            functions: code.collect(),
            main: functions.iter().position(|function| function.name == main),
        }
    }

    /// The code as people read it.
    pub(crate) fn listing<'a>(&'a self, names: &'a Names) -> impl fmt::Display + 'a {
        Listing { program: self, names }
    }
}

fn expression(ops: &mut Vec<Op>, node: &Expr<'_>) {
    match &node.kind {
        ExprKind::Int(number) => ops.push(Op::Push(*number)),
        ExprKind::Bool(truth) => ops.push(Op::Push(i64::from(*truth))),
        ExprKind::Variable { slot, .. } => ops.push(Op::Load(slot.get())),
        // The right side is only looked at if the left does not decide.
        ExprKind::Binary(Operator::And, left, right) => {
            choice(ops, left, |ops| expression(ops, right), |ops| ops.push(Op::Push(0)));
        }
        ExprKind::Binary(Operator::Or, left, right) => {
            choice(ops, left, |ops| ops.push(Op::Push(1)), |ops| expression(ops, right));
        }
        ExprKind::Binary(operator, left, right) => {
            expression(ops, left);
            expression(ops, right);
            ops.push(Op::Apply(*operator));
        }
        ExprKind::If(condition, yes, no) => {
            choice(ops, condition, |ops| expression(ops, yes), |ops| expression(ops, no));
        }
        ExprKind::Let { slot, value, body, .. } => {
            expression(ops, value);
            ops.push(Op::Store(slot.get()));
            expression(ops, body);
        }
        ExprKind::Call { function, arguments, .. } => {
            for argument in *arguments {
                expression(ops, argument);
            }
            ops.push(Op::Call(function.get()));
        }
    }
}

fn choice(
    ops: &mut Vec<Op>,
    condition: &Expr<'_>,
    yes: impl FnOnce(&mut Vec<Op>),
    no: impl FnOnce(&mut Vec<Op>),
) {
    expression(ops, condition);
    let to_no = ops.len();
    ops.push(Op::JumpIfFalse(0));
    yes(ops);
    let to_end = ops.len();
    ops.push(Op::Jump(0));
    ops[to_no] = Op::JumpIfFalse(ops.len() as u32);
    no(ops);
    ops[to_end] = Op::Jump(ops.len() as u32);
}

struct Listing<'a> {
    program: &'a Program,
    names: &'a Names,
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for code in &self.program.functions {
            let name = self.names.text(code.name);
            writeln!(f, "{name}: {} parameters, {} slots", code.parameters, code.slots)?;
            for (at, op) in code.ops.iter().enumerate() {
                write!(f, "  {at:>4}  ")?;
                match op {
                    Op::Push(value) => writeln!(f, "push    {value}")?,
                    Op::Load(slot) => writeln!(f, "load    {slot}")?,
                    Op::Store(slot) => writeln!(f, "store   {slot}")?,
                    Op::Apply(operator) => writeln!(f, "apply   {operator}")?,
                    Op::JumpIfFalse(to) => writeln!(f, "unless  -> {to}")?,
                    Op::Jump(to) => writeln!(f, "jump    -> {to}")?,
                    Op::Call(function) => {
                        let called = self.program.functions[usize::from(*function)].name;
                        writeln!(f, "call    {}", self.names.text(called))?;
                    }
                    Op::Return => writeln!(f, "return")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
