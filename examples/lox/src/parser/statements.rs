//! Statements.

use std::cell::Cell;

use super::Parser;
use crate::ast::{Arm, Block, FunctionKind, Loop, ScopeEnd, Stmt};
use crate::mem::Handle;
use crate::token::TokenKind;

impl Parser<'_, '_> {
    pub(super) fn statement(&mut self) -> Stmt {
        if !self.enter() {
            return Stmt::Nothing;
        }
        let statement = if self.matches(TokenKind::Print) {
            self.print()
        } else if self.matches(TokenKind::For) {
            self.for_loop()
        } else if self.matches(TokenKind::If) {
            self.if_chain()
        } else if self.matches(TokenKind::Return) {
            self.return_()
        } else if self.matches(TokenKind::While) {
            self.while_loop()
        } else if self.matches(TokenKind::LeftBrace) {
            let statements = self.block();
            Stmt::Block(Block { statements, end: Cell::new(ScopeEnd::default()) })
        } else {
            self.expression_statement()
        };
        self.leave();
        statement
    }

    /// The statements up to the closing brace.
    pub(super) fn block(&mut self) -> Handle<[Stmt]> {
        let mut statements = self.scratch_list();
        // A function's body is a block without being a statement, so it counts here.
        if self.enter() {
            while !self.check(TokenKind::RightBrace) && !self.check(TokenKind::End) {
                statements.push(self.declaration());
            }
            self.leave();
        }
        self.expect(TokenKind::RightBrace, "Expect '}' after block.");
        statements.into_iter().collect()
    }

    fn print(&mut self) -> Stmt {
        let value = self.expression();
        self.expect(TokenKind::Semicolon, "Expect ';' after value.");
        Stmt::Print { value, line: self.previous.span.line }
    }

    fn expression_statement(&mut self) -> Stmt {
        let expr = self.expression();
        self.expect(TokenKind::Semicolon, "Expect ';' after expression.");
        Stmt::Expression { expr, line: self.previous.span.line }
    }

    fn if_chain(&mut self) -> Stmt {
        let mut arms = self.scratch_list();
        let mut otherwise = None;
        loop {
            self.expect(TokenKind::LeftParen, "Expect '(' after 'if'.");
            let condition = self.expression();
            self.expect(TokenKind::RightParen, "Expect ')' after condition.");
            let body = self.statement();
            arms.push(Arm { condition, body, span: self.previous.span });
            if !self.matches(TokenKind::Else) {
                break;
            }
            if !self.matches(TokenKind::If) {
                otherwise = Some(Handle::new(self.statement()));
                break;
            }
        }
        Stmt::If { arms: arms.into_iter().collect(), otherwise }
    }

    fn while_loop(&mut self) -> Stmt {
        self.expect(TokenKind::LeftParen, "Expect '(' after 'while'.");
        let condition = Some(self.expression());
        self.expect(TokenKind::RightParen, "Expect ')' after condition.");
        self.loop_body(Stmt::Nothing, condition, None)
    }

    fn for_loop(&mut self) -> Stmt {
        self.expect(TokenKind::LeftParen, "Expect '(' after 'for'.");
        let initializer = if self.matches(TokenKind::Semicolon) {
            Stmt::Nothing
        } else if self.matches(TokenKind::Var) {
            self.var()
        } else {
            self.expression_statement()
        };
        let mut condition = None;
        if !self.matches(TokenKind::Semicolon) {
            condition = Some(self.expression());
            self.expect(TokenKind::Semicolon, "Expect ';' after loop condition.");
        }
        let mut step = None;
        if !self.matches(TokenKind::RightParen) {
            step = Some(self.expression());
            self.expect(TokenKind::RightParen, "Expect ')' after for clauses.");
        }
        self.loop_body(initializer, condition, step)
    }

    fn loop_body(
        &mut self,
        initializer: Stmt,
        condition: Option<crate::ast::Expr>,
        step: Option<crate::ast::Expr>,
    ) -> Stmt {
        let body = self.statement();
        let span = self.previous.span;
        let end = Cell::new(ScopeEnd::default());
        Stmt::Loop(Handle::new(Loop { initializer, condition, step, body, span, end }))
    }

    fn return_(&mut self) -> Stmt {
        let kind = *self.functions.last().expect("the script is always there");
        if kind == FunctionKind::Script {
            self.error_at_previous("Can't return from top-level code.");
        }
        if self.matches(TokenKind::Semicolon) {
            return Stmt::Return { value: None, line: self.previous.span.line };
        }
        if kind == FunctionKind::Initializer {
            self.error_at_previous("Can't return a value from an initializer.");
        }
        let value = Some(self.expression());
        self.expect(TokenKind::Semicolon, "Expect ';' after return value.");
        Stmt::Return { value, line: self.previous.span.line }
    }
}
