//! Finds out which variable or function each name means, and where variables are kept.
//!
//! The scopes are a list in a region of their own, which ends with the function. They refer to each
//! other and are passed down by reference; going back to an outer scope is returning from a call.

use std::collections::HashMap;

use famalloc::Region;

use crate::ast::{Expr, ExprKind, Function, Place};
use crate::diagnostics::Diagnostics;
use crate::lives;
use crate::names::{Name, Names};

/// The innermost variable, and those around it.
#[derive(Clone, Copy)]
struct Scope<'s> {
    name: Name,
    slot: u16,
    outer: Option<&'s Scope<'s>>,
}

struct Resolver<'s, 'n> {
    scratch: &'s Region<lives::Scratch>,
    functions: &'n HashMap<Name, u16>,
    names: &'n Names,
    diagnostics: &'n mut Diagnostics,
    /// How many slots are in use at the most.
    slots: u16,
}

/// Resolves all names; the functions come back with their numbers of slots.
pub(crate) fn resolve<'r>(
    tree: &'r Region<lives::Ast>,
    scratch: &mut Region<lives::Scratch>,
    names: &mut Names,
    diagnostics: &mut Diagnostics,
    functions: &[Function<'r>],
) -> &'r [Function<'r>] {
    let mut known = HashMap::new();
    if functions.len() > usize::from(u16::MAX) {
        diagnostics.report(0, format!("there are more than {} functions", u16::MAX));
        return &[];
    }
    for (number, function) in functions.iter().enumerate() {
        if known.insert(function.name, number as u16).is_some() {
            let name = names.text(function.name);
            diagnostics.report(function.place, format!("function `{name}` is declared twice"));
        }
    }
    let main = names.intern("main");
    match functions.iter().find(|function| function.name == main) {
        None => diagnostics.report(0, "there is no function `main`".to_owned()),
        Some(main) if !main.parameters.is_empty() => {
            diagnostics.report(main.place, "`main` takes no parameters".to_owned());
        }
        Some(_) => {}
    }
    tree.alloc_slice_fill_iter(functions.iter().map(|function| {
        // Scopes of one function are of no use to the next: its scope is a region within the region,
        // and what that took is there for the next one.
        let slots = scratch.nested(|scratch| {
            let mut resolver =
                Resolver { scratch, functions: &known, names, diagnostics, slots: 0 };
            let mut scope = None;
            for parameter in function.parameters {
                if resolver.lookup(scope, parameter.name).is_some() {
                    let name = names.text(parameter.name);
                    let message = format!("parameter `{name}` is declared twice");
                    resolver.diagnostics.report(parameter.place, message);
                }
                scope = Some(resolver.declare(scope, parameter.name, parameter.place));
            }
            resolver.expression(function.body, scope);
            resolver.slots
        });
        Function { slots, ..*function }
    }))
}

impl<'s> Resolver<'s, '_> {
    fn declare(&mut self, outer: Option<&'s Scope<'s>>, name: Name, place: Place) -> &'s Scope<'s> {
        let slot = outer.map_or(0, |outer| outer.slot.saturating_add(1));
        if slot == u16::MAX {
            self.diagnostics.report(place, "there are too many variables".to_owned());
        }
        self.slots = self.slots.max(slot.saturating_add(1));
        self.scratch.alloc(Scope { name, slot, outer })
    }

    fn lookup(&self, scope: Option<&'s Scope<'s>>, name: Name) -> Option<u16> {
        let scopes = std::iter::successors(scope, |scope| scope.outer);
        scopes.into_iter().find(|scope| scope.name == name).map(|scope| scope.slot)
    }

    fn expression(&mut self, expression: &Expr<'_>, scope: Option<&'s Scope<'s>>) {
        match &expression.kind {
            ExprKind::Int(_) | ExprKind::Bool(_) => {}
            ExprKind::Variable { name, slot } => match self.lookup(scope, *name) {
                Some(found) => slot.set(found),
                None => self.unknown(expression.place, "variable", *name),
            },
            ExprKind::Binary(_, left, right) => {
                self.expression(left, scope);
                self.expression(right, scope);
            }
            ExprKind::If(condition, yes, no) => {
                self.expression(condition, scope);
                self.expression(yes, scope);
                self.expression(no, scope);
            }
            ExprKind::Let { name, slot, value, body } => {
                // The variable is not known in its own value.
                self.expression(value, scope);
                let inner = self.declare(scope, *name, expression.place);
                slot.set(inner.slot);
                self.expression(body, Some(inner));
            }
            ExprKind::Call { name, function, arguments } => {
                match self.functions.get(name) {
                    Some(found) => function.set(*found),
                    None => self.unknown(expression.place, "function", *name),
                }
                for argument in *arguments {
                    self.expression(argument, scope);
                }
            }
        }
    }

    fn unknown(&mut self, place: Place, what: &str, name: Name) {
        let message = format!("there is no {what} `{}` here", self.names.text(name));
        self.diagnostics.report(place, message);
    }
}
