//! The syntax tree.
//!
//! Nodes refer to each other by plain references into one region. So a node is a plain value, matching
//! goes as deep as one likes, a phase may share what it does not change, and nothing is ever dropped.

use std::cell::Cell;
use std::fmt;

use crate::names::Name;

/// A place in the source, in bytes from its start.
pub(crate) type Place = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Int,
    Bool,
}

/// `fn name(parameters) -> result = body;`
#[derive(Clone, Copy)]
pub(crate) struct Function<'r> {
    pub(crate) place: Place,
    pub(crate) name: Name,
    pub(crate) parameters: &'r [Parameter],
    pub(crate) result: Type,
    pub(crate) body: &'r Expr<'r>,
    /// How many variables are in use at once at the most; found when names are resolved.
    pub(crate) slots: u16,
}

#[derive(Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) place: Place,
    pub(crate) name: Name,
    pub(crate) of: Type,
}

pub(crate) struct Expr<'r> {
    pub(crate) place: Place,
    pub(crate) kind: ExprKind<'r>,
}

pub(crate) enum ExprKind<'r> {
    Int(i64),
    Bool(bool),
    /// A variable. Which one is filled in when names are resolved, hence the cell: the node stays where
    /// it is, and everyone may hold references to it.
    Variable {
        name: Name,
        slot: Cell<u16>,
    },
    Binary(Operator, &'r Expr<'r>, &'r Expr<'r>),
    If(&'r Expr<'r>, &'r Expr<'r>, &'r Expr<'r>),
    Let {
        name: Name,
        slot: Cell<u16>,
        value: &'r Expr<'r>,
        body: &'r Expr<'r>,
    },
    Call {
        name: Name,
        function: Cell<u16>,
        arguments: &'r [&'r Expr<'r>],
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    Greater,
    Equal,
    And,
    Or,
}

impl Operator {
    /// Operators bind the more closely the higher this is.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Less | Self::Greater | Self::Equal => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Remainder => 5,
        }
    }

    /// What the operands are, and what comes of them. (`==` takes two of any type.)
    pub(crate) fn types(self) -> (Type, Type) {
        match self {
            Self::And | Self::Or => (Type::Bool, Type::Bool),
            Self::Less | Self::Greater | Self::Equal => (Type::Int, Type::Bool),
            _ => (Type::Int, Type::Int),
        }
    }

    /// The result for two numbers; truth is 0 and 1. `None` if there is none.
    pub(crate) fn apply(self, left: i64, right: i64) -> Option<i64> {
        Some(match self {
            Self::Add => left.checked_add(right)?,
            Self::Subtract => left.checked_sub(right)?,
            Self::Multiply => left.checked_mul(right)?,
            Self::Divide => left.checked_div(right)?,
            Self::Remainder => left.checked_rem(right)?,
            Self::Less => i64::from(left < right),
            Self::Greater => i64::from(left > right),
            Self::Equal => i64::from(left == right),
            Self::And => left & right,
            Self::Or => left | right,
        })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Less => "<",
            Self::Greater => ">",
            Self::Equal => "==",
            Self::And => "&&",
            Self::Or => "||",
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "int",
            Self::Bool => "bool",
        })
    }
}
