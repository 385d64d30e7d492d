//! Expressions, by precedence climbing.
//!
//! A token that can begin an expression is handled in `prefix`; one that goes on with the
//! expression to its left, and how tightly it binds, in `infix` and `binding_power`.

use super::Parser;
use crate::ast::{BinaryOp, Expr, LogicalOp, Name, Spine, SuperExpr, UnaryOp};
use crate::mem::Handle;
use crate::token::TokenKind;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Power {
    None,
    Assignment,
    Or,
    And,
    Equality,
    Comparison,
    Term,
    Factor,
    Unary,
    Call,
}

/// How tightly an operator between two operands binds.
fn binding_power(kind: TokenKind) -> Power {
    match kind {
        TokenKind::Or => Power::Or,
        TokenKind::And => Power::And,
        TokenKind::EqualEqual | TokenKind::BangEqual => Power::Equality,
        TokenKind::Less | TokenKind::LessEqual | TokenKind::Greater | TokenKind::GreaterEqual => {
            Power::Comparison
        }
        TokenKind::Plus | TokenKind::Minus => Power::Term,
        TokenKind::Star | TokenKind::Slash => Power::Factor,
        TokenKind::LeftParen | TokenKind::Dot => Power::Call,
        _ => Power::None,
    }
}

impl Parser<'_, '_> {
    pub(super) fn expression(&mut self) -> Expr {
        self.operand(Power::Assignment)
    }

    /// An expression of operators that bind at least so tightly.
    fn operand(&mut self, power: Power) -> Expr {
        if !self.enter() {
            return Expr::Missing;
        }
        let can_assign = power <= Power::Assignment;
        self.advance();
        let expr = match self.prefix(can_assign) {
            Some(expr) => self.continued(expr, power, can_assign),
            None => {
                self.error_at_previous("Expect expression.");
                Expr::Missing
            }
        };
        self.leave();
        expr
    }

    fn continued(&mut self, mut left: Expr, power: Power, can_assign: bool) -> Expr {
        while power <= binding_power(self.current.kind)
            && binding_power(self.current.kind) != Power::None
        {
            self.advance();
            left = self.infix(left, can_assign);
        }
        if can_assign && self.matches(TokenKind::Equal) {
            self.error_at_previous("Invalid assignment target.");
        }
        left
    }

    /// What the previous token begins, if it can begin an expression.
    fn prefix(&mut self, can_assign: bool) -> Option<Expr> {
        let span = self.previous.span;
        let line = span.line;
        Some(match self.previous.kind {
            TokenKind::Nil => Expr::Nil { line },
            TokenKind::True => Expr::True { line },
            TokenKind::False => Expr::False { line },
            TokenKind::Number => {
                let text = span.of(self.diagnostics.source());
                Expr::Number { value: text.parse().unwrap_or(f64::NAN), span }
            }
            TokenKind::String => {
                let text = span.of(self.diagnostics.source());
                Expr::String { value: self.heap.intern(&text[1..text.len() - 1]), span }
            }
            TokenKind::Identifier => {
                let name = self.previous_as_name();
                if can_assign && self.matches(TokenKind::Equal) {
                    let value = Handle::new(self.expression());
                    Expr::Assign { name, value, line: self.previous.span.line }
                } else {
                    Expr::Variable { name }
                }
            }
            TokenKind::LeftParen => {
                let inner = self.expression();
                self.expect(TokenKind::RightParen, "Expect ')' after expression.");
                inner
            }
            TokenKind::Minus => self.unary(UnaryOp::Negate),
            TokenKind::Bang => self.unary(UnaryOp::Not),
            TokenKind::This => {
                if self.classes.is_empty() {
                    self.error_at_previous("Can't use 'this' outside of a class.");
                    Expr::Missing
                } else {
                    Expr::This { name: Name::new(self.this_text, span) }
                }
            }
            TokenKind::Super => self.super_(),
            _ => return None,
        })
    }

    fn unary(&mut self, operator: UnaryOp) -> Expr {
        let operand = Handle::new(self.operand(Power::Unary));
        Expr::Unary { operator, operand, line: self.previous.span.line }
    }

    fn super_(&mut self) -> Expr {
        let span = self.previous.span;
        match self.classes.last() {
            None => self.error_at_previous("Can't use 'super' outside of a class."),
            Some(false) => {
                self.error_at_previous("Can't use 'super' in a class with no superclass.");
            }
            Some(true) => {}
        }
        self.expect(TokenKind::Dot, "Expect '.' after 'super'.");
        let found = self.expect(TokenKind::Identifier, "Expect superclass method name.");
        let property = self.previous_as_property();
        let arguments = self.matches(TokenKind::LeftParen).then(|| self.arguments());
        if !found {
            return Expr::Missing;
        }
        Expr::Super(Handle::new(SuperExpr {
            this: Name::new(self.this_text, span),
            superclass: Name::new(self.super_text, span),
            property,
            arguments,
            line: self.previous.span.line,
        }))
    }

    /// What the previous token makes of the expression to its left.
    fn infix(&mut self, left: Expr, can_assign: bool) -> Expr {
        let left = Spine::new(left);
        match self.previous.kind {
            TokenKind::And => self.logical(LogicalOp::And, left, Power::Equality),
            TokenKind::Or => self.logical(LogicalOp::Or, left, Power::And),
            TokenKind::EqualEqual => self.binary(BinaryOp::Equal, left, Power::Comparison),
            TokenKind::BangEqual => self.binary(BinaryOp::NotEqual, left, Power::Comparison),
            TokenKind::Less => self.binary(BinaryOp::Less, left, Power::Term),
            TokenKind::LessEqual => self.binary(BinaryOp::LessEqual, left, Power::Term),
            TokenKind::Greater => self.binary(BinaryOp::Greater, left, Power::Term),
            TokenKind::GreaterEqual => self.binary(BinaryOp::GreaterEqual, left, Power::Term),
            TokenKind::Plus => self.binary(BinaryOp::Add, left, Power::Factor),
            TokenKind::Minus => self.binary(BinaryOp::Subtract, left, Power::Factor),
            TokenKind::Star => self.binary(BinaryOp::Multiply, left, Power::Unary),
            TokenKind::Slash => self.binary(BinaryOp::Divide, left, Power::Unary),
            TokenKind::LeftParen => {
                let arguments = self.arguments();
                Expr::Call { callee: left, arguments, line: self.previous.span.line }
            }
            TokenKind::Dot => self.dot(left, can_assign),
            _ => unreachable!("only tokens with a binding power come here"),
        }
    }

    /// `tighter` is the power just above the operator's own: it groups to the left.
    fn binary(&mut self, operator: BinaryOp, left: Spine, tighter: Power) -> Expr {
        let right = Handle::new(self.operand(tighter));
        Expr::Binary { operator, left, right, line: self.previous.span.line }
    }

    fn logical(&mut self, operator: LogicalOp, left: Spine, tighter: Power) -> Expr {
        let right = Handle::new(self.operand(tighter));
        Expr::Logical { operator, left, right, span: self.previous.span }
    }

    fn dot(&mut self, object: Spine, can_assign: bool) -> Expr {
        if !self.expect(TokenKind::Identifier, "Expect property name after '.'.") {
            return Expr::Missing;
        }
        let property = self.previous_as_property();
        if can_assign && self.matches(TokenKind::Equal) {
            let value = Handle::new(self.expression());
            Expr::Set { object, property, value, line: self.previous.span.line }
        } else if self.matches(TokenKind::LeftParen) {
            let arguments = self.arguments();
            Expr::Invoke { object, property, arguments, line: self.previous.span.line }
        } else {
            Expr::Get { object, property }
        }
    }

    /// The arguments of a call, from behind its opening parenthesis.
    fn arguments(&mut self) -> Handle<[Expr]> {
        let mut arguments = self.scratch_list();
        if !self.check(TokenKind::RightParen) {
            loop {
                let argument = self.expression();
                if arguments.len() == 255 {
                    self.error_at_previous("Can't have more than 255 arguments.");
                }
                arguments.push(argument);
                if !self.matches(TokenKind::Comma) {
                    break;
                }
            }
        }
        self.expect(TokenKind::RightParen, "Expect ')' after arguments.");
        arguments.into_iter().collect()
    }
}
