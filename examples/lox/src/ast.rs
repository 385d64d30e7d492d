//! The syntax tree.
//!
//! All of it is in family `Ast`: it is built in one go, lives until the program is compiled, and
//! then dies as a whole. Nothing that outlives it points into it; the strings it mentions are
//! interned.
//!
//! The parser limits how deeply the constructs of the language nest, so passes over the tree may
//! recurse. There is one exception: operators and calls group to the left, and `a + b + c + ...`
//! or `a.b.c()...` of any length makes a tree as deep as it is long. That chain of leftmost
//! operands is the *spine* of an expression. Passes walk it in a loop ([`Expr::left`]), and
//! [`Spine`] takes it apart in a loop when it is dropped.
//!
//! The resolver writes what it finds out into the `Cell`s of the nodes; the compiler reads it.
//!
//! Lines are those of the last token of a node, which is what runtime errors report.

use std::cell::{Cell, OnceCell};
use std::ops::Deref;

use famalloc::alloc_family;

use crate::chunk::Capture;
use crate::mem::Handle;
use crate::object::{Ref, Str};
use crate::token::Span;

/// Which variable a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Not resolved yet.
    Unknown,
    Local(u8),
    /// Captured by the function around the name.
    Upvalue(u8),
    Global(u16),
}

/// A variable's name where it is declared or used.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct Name {
    pub(crate) text: Ref<Str>,
    pub(crate) span: Span,
    pub(crate) binding: Cell<Binding>,
}

impl Name {
    pub(crate) fn new(text: Ref<Str>, span: Span) -> Self {
        Self { text, span, binding: Cell::new(Binding::Unknown) }
    }
}

/// The name of a field or method.
#[alloc_family(crate::mem::Lives::Ast)]
#[derive(Clone, Copy)]
pub(crate) struct Property {
    pub(crate) text: Ref<Str>,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogicalOp {
    And,
    Or,
}

/// An expression.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) enum Expr {
    Nil {
        line: u32,
    },
    True {
        line: u32,
    },
    False {
        line: u32,
    },
    Number {
        value: f64,
        span: Span,
    },
    String {
        value: Ref<Str>,
        span: Span,
    },
    Variable {
        name: Name,
    },
    Assign {
        name: Name,
        value: Handle<Expr>,
        line: u32,
    },
    Unary {
        operator: UnaryOp,
        operand: Handle<Expr>,
        line: u32,
    },
    Binary {
        operator: BinaryOp,
        left: Spine,
        right: Handle<Expr>,
        line: u32,
    },
    Logical {
        operator: LogicalOp,
        left: Spine,
        right: Handle<Expr>,
        span: Span,
    },
    Call {
        callee: Spine,
        arguments: Handle<[Expr]>,
        line: u32,
    },
    Get {
        object: Spine,
        property: Property,
    },
    Set {
        object: Spine,
        property: Property,
        value: Handle<Expr>,
        line: u32,
    },
    Invoke {
        object: Spine,
        property: Property,
        arguments: Handle<[Expr]>,
        line: u32,
    },
    This {
        name: Name,
    },
    Super(Handle<SuperExpr>),
    /// What stands where the source has an error.
    Missing,
}

/// `super.method`, or a call of it.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct SuperExpr {
    pub(crate) this: Name,
    pub(crate) superclass: Name,
    pub(crate) property: Property,
    pub(crate) arguments: Option<Handle<[Expr]>>,
    pub(crate) line: u32,
}

impl Expr {
    /// The operand that is evaluated first and may nest without limit.
    pub(crate) fn left(&self) -> Option<&Expr> {
        match self {
            Self::Binary { left: spine, .. }
            | Self::Logical { left: spine, .. }
            | Self::Call { callee: spine, .. }
            | Self::Get { object: spine, .. }
            | Self::Set { object: spine, .. }
            | Self::Invoke { object: spine, .. } => Some(spine),
            _ => None,
        }
    }

    fn take_left(&mut self) -> Option<Handle<Expr>> {
        match self {
            Self::Binary { left: spine, .. }
            | Self::Logical { left: spine, .. }
            | Self::Call { callee: spine, .. }
            | Self::Get { object: spine, .. }
            | Self::Set { object: spine, .. }
            | Self::Invoke { object: spine, .. } => spine.0.take(),
            _ => None,
        }
    }
}

/// A leftmost operand. Always there, except while it is being dropped.
pub(crate) struct Spine(Option<Handle<Expr>>);

impl Spine {
    pub(crate) fn new(expr: Expr) -> Self {
        Self(Some(Handle::new(expr)))
    }
}

impl Deref for Spine {
    type Target = Expr;

    fn deref(&self) -> &Expr {
        self.0.as_ref().expect("only dropping takes a spine apart")
    }
}

impl Drop for Spine {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut expr) = next {
            next = expr.take_left();
        }
    }
}

/// How many variables leave the stack at the end of a scope, and whether any was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeEnd {
    pub(crate) first_slot: u8,
    pub(crate) count: u16,
    pub(crate) captured: bool,
}

/// Statements with a scope of their own.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct Block {
    pub(crate) statements: Handle<[Stmt]>,
    pub(crate) end: Cell<ScopeEnd>,
}

/// One `if` or `else if`.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct Arm {
    pub(crate) condition: Expr,
    pub(crate) body: Stmt,
    /// The last token of the body.
    pub(crate) span: Span,
}

/// A `while` or `for` loop.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct Loop {
    pub(crate) initializer: Stmt,
    pub(crate) condition: Option<Expr>,
    pub(crate) step: Option<Expr>,
    pub(crate) body: Stmt,
    /// The last token of the body.
    pub(crate) span: Span,
    pub(crate) end: Cell<ScopeEnd>,
}

/// A statement or declaration.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) enum Stmt {
    Expression {
        expr: Expr,
        line: u32,
    },
    Print {
        value: Expr,
        line: u32,
    },
    Var {
        name: Name,
        value: Option<Expr>,
        line: u32,
    },
    Block(Block),
    /// A chain of `else if`s is one statement, so that it does not nest.
    If {
        arms: Handle<[Arm]>,
        otherwise: Option<Handle<Stmt>>,
    },
    Loop(Handle<Loop>),
    Return {
        value: Option<Expr>,
        line: u32,
    },
    Fun {
        name: Name,
        function: Handle<FunctionNode>,
    },
    Class(Handle<ClassNode>),
    /// What stands where the source has an error or nothing.
    Nothing,
}

/// What a piece of code is the body of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FunctionKind {
    Script,
    Function,
    Method,
    Initializer,
}

/// A function or method; the whole script is one without a name.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct FunctionNode {
    pub(crate) kind: FunctionKind,
    pub(crate) name: Option<Property>,
    pub(crate) parameters: Handle<[Name]>,
    pub(crate) body: Handle<[Stmt]>,
    /// The line of its last token.
    pub(crate) line: u32,
    pub(crate) captures: OnceCell<Handle<[Captured]>>,
}

/// A variable that a function captures.
#[alloc_family(crate::mem::Lives::Ast)]
#[derive(Clone, Copy)]
pub(crate) struct Captured(pub(crate) Capture);

/// A class declaration.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct ClassNode {
    pub(crate) name: Name,
    pub(crate) superclass: Option<Superclass>,
    pub(crate) methods: Handle<[FunctionNode]>,
    /// How many different fields its methods assign to `this`.
    pub(crate) fields: Cell<u16>,
}

/// What a class inherits from.
#[alloc_family(crate::mem::Lives::Ast)]
pub(crate) struct Superclass {
    pub(crate) name: Name,
    /// The hidden variable that `super` means in the methods.
    pub(crate) variable: Name,
    pub(crate) end: Cell<ScopeEnd>,
}
