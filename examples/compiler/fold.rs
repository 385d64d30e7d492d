//! Works out what is known already.
//!
//! A new tree, in the same region, that shares with the old one whatever has not changed. The old nodes
//! stay until the region is reset; nobody has to know which are still in use.

use famalloc::Region;

use crate::ast::{Expr, ExprKind, Function, Operator};
use crate::lives;

pub(crate) fn fold<'r>(
    tree: &'r Region<lives::Ast>,
    functions: &[Function<'r>],
) -> &'r [Function<'r>] {
    let folded =
        |function: &Function<'r>| Function { body: folded(tree, function.body), ..*function };
    tree.alloc_slice_fill_iter(functions.iter().map(folded))
}

fn folded<'r>(tree: &'r Region<lives::Ast>, old: &'r Expr<'r>) -> &'r Expr<'r> {
    let new = |kind| &*tree.alloc(Expr { place: old.place, kind });
    match &old.kind {
        ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::Variable { .. } => old,
        ExprKind::Binary(operator, left, right) => {
            let (first, second) = (folded(tree, left), folded(tree, right));
            match (operator, known(first), known(second)) {
                // What would fail is left to fail when it is run.
                (_, Some(a), Some(b)) => match operator.apply(a, b) {
                    Some(value) if is_truth(*operator) => new(ExprKind::Bool(value != 0)),
                    Some(value) => new(ExprKind::Int(value)),
                    None => old,
                },
                // The right side is not looked at when the left decides.
                (Operator::And, Some(0), _) | (Operator::Or, Some(1), _) => first,
                (Operator::And | Operator::Or, Some(_), _) => second,
                _ if std::ptr::eq(first, *left) && std::ptr::eq(second, *right) => old,
                _ => new(ExprKind::Binary(*operator, first, second)),
            }
        }
        ExprKind::If(condition, yes, no) => {
            let condition = folded(tree, condition);
            match known(condition) {
                Some(1) => folded(tree, yes),
                Some(_) => folded(tree, no),
                None => new(ExprKind::If(condition, folded(tree, yes), folded(tree, no))),
            }
        }
        ExprKind::Let { name, slot, value, body } => new(ExprKind::Let {
            name: *name,
            slot: slot.clone(),
            value: folded(tree, value),
            body: folded(tree, body),
        }),
        ExprKind::Call { name, function, arguments } => new(ExprKind::Call {
            name: *name,
            function: function.clone(),
            arguments: tree.alloc_slice_fill_iter(arguments.iter().map(|old| folded(tree, old))),
        }),
    }
}

fn known(expression: &Expr<'_>) -> Option<i64> {
    match expression.kind {
        ExprKind::Int(number) => Some(number),
        ExprKind::Bool(truth) => Some(i64::from(truth)),
        _ => None,
    }
}

fn is_truth(operator: Operator) -> bool {
    operator.types().1 == crate::ast::Type::Bool
}
