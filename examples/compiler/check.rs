//! Finds out whether the types fit.

use std::cell::Cell;

use famalloc::Region;

use crate::ast::{Expr, ExprKind, Function, Operator, Place, Type};
use crate::diagnostics::Diagnostics;
use crate::lives;
use crate::names::Names;

struct Checker<'s, 'n> {
    functions: &'n [Function<'n>],
    names: &'n Names,
    diagnostics: &'n mut Diagnostics,
    /// The types of the variables, by slot.
    variables: &'s [Cell<Type>],
}

pub(crate) fn check(
    scratch: &Region<lives::Scratch>,
    names: &Names,
    diagnostics: &mut Diagnostics,
    functions: &[Function<'_>],
) {
    for function in functions {
        scratch.nested(|scratch| {
            let slots = usize::from(function.slots);
            let variables = scratch.alloc_slice_fill_with(slots, |slot| {
                Cell::new(function.parameters.get(slot).map_or(Type::Int, |given| given.of))
            });
            let mut checker = Checker { functions, names, diagnostics, variables };
            checker.expect(function.body, function.result);
        });
    }
}

impl Checker<'_, '_> {
    fn expect(&mut self, expression: &Expr<'_>, wanted: Type) {
        let found = self.type_of(expression);
        if found != wanted {
            self.report(expression.place, format!("expected {wanted}, found {found}"));
        }
    }

    /// The type of an expression. Where something in it does not fit, what it should be.
    fn type_of(&mut self, expression: &Expr<'_>) -> Type {
        match &expression.kind {
            ExprKind::Int(_) => Type::Int,
            ExprKind::Bool(_) => Type::Bool,
            ExprKind::Variable { slot, .. } => self.variables[usize::from(slot.get())].get(),
            ExprKind::Binary(operator, left, right) => {
                let (operands, result) = operator.types();
                // Any two of the same type can be compared.
                let operands = match operator {
                    Operator::Equal => self.type_of(left),
                    _ => {
                        self.expect(left, operands);
                        operands
                    }
                };
                self.expect(right, operands);
                result
            }
            ExprKind::If(condition, yes, no) => {
                self.expect(condition, Type::Bool);
                let result = self.type_of(yes);
                self.expect(no, result);
                result
            }
            ExprKind::Let { slot, value, body, .. } => {
                let of = self.type_of(value);
                self.variables[usize::from(slot.get())].set(of);
                self.type_of(body)
            }
            ExprKind::Call { name, function, arguments } => {
                let called = &self.functions[usize::from(function.get())];
                let (wanted, found) = (called.parameters.len(), arguments.len());
                if wanted != found {
                    let name = self.names.text(*name);
                    let s = if wanted == 1 { "" } else { "s" };
                    let message = format!("`{name}` takes {wanted} argument{s}, found {found}");
                    self.report(expression.place, message);
                }
                for (parameter, argument) in called.parameters.iter().zip(*arguments) {
                    self.expect(argument, parameter.of);
                }
                called.result
            }
        }
    }

    fn report(&mut self, place: Place, message: String) {
        self.diagnostics.report(place, message);
    }
}
