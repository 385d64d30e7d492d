//! Declarations: classes, functions, variables.

use std::cell::{Cell, OnceCell};

use super::Parser;
use crate::ast::{ClassNode, FunctionKind, FunctionNode, Name, ScopeEnd, Stmt, Superclass};
use crate::mem::Handle;
use crate::token::TokenKind;

impl Parser<'_, '_> {
    pub(super) fn declaration(&mut self) -> Stmt {
        let statement = if self.matches(TokenKind::Class) {
            self.class()
        } else if self.matches(TokenKind::Fun) {
            self.fun()
        } else if self.matches(TokenKind::Var) {
            self.var()
        } else {
            self.statement()
        };
        self.synchronize();
        statement
    }

    fn class(&mut self) -> Stmt {
        let name = self.name("Expect class name.");
        let mut superclass = None;
        if self.matches(TokenKind::Less) {
            superclass = self.name("Expect superclass name.");
            if let (Some(name), Some(superclass)) = (&name, &superclass) {
                if name.text == superclass.text {
                    self.error_at_previous("A class can't inherit from itself.");
                }
            }
        }
        self.classes.push(superclass.is_some());
        self.expect(TokenKind::LeftBrace, "Expect '{' before class body.");
        let mut methods = self.scratch_list();
        while !self.check(TokenKind::RightBrace) && !self.check(TokenKind::End) {
            methods.extend(self.method());
        }
        self.expect(TokenKind::RightBrace, "Expect '}' after class body.");
        self.classes.pop();
        let methods = methods.into_iter().collect();
        let Some(name) = name else { return Stmt::Nothing };
        let superclass = superclass.map(|name| Superclass {
            variable: Name::new(self.super_text, name.span),
            name,
            end: Cell::new(ScopeEnd::default()),
        });
        Stmt::Class(Handle::new(ClassNode { name, superclass, methods, fields: Cell::new(0) }))
    }

    fn method(&mut self) -> Option<FunctionNode> {
        let name = self.name("Expect method name.");
        let is_initializer = name.as_ref().is_some_and(|name| name.text.text() == "init");
        let kind = if is_initializer { FunctionKind::Initializer } else { FunctionKind::Method };
        let function = self.function(kind, name.as_ref());
        name.map(|_| function)
    }

    fn fun(&mut self) -> Stmt {
        let name = self.name("Expect function name.");
        let function = self.function(FunctionKind::Function, name.as_ref());
        match name {
            Some(name) => Stmt::Fun { name, function: Handle::new(function) },
            None => Stmt::Nothing,
        }
    }

    /// A function from its parameters on.
    fn function(&mut self, kind: FunctionKind, name: Option<&Name>) -> FunctionNode {
        self.functions.push(kind);
        self.expect(TokenKind::LeftParen, "Expect '(' after function name.");
        let mut parameters = self.scratch_list();
        if !self.check(TokenKind::RightParen) {
            loop {
                if parameters.len() == 255 {
                    self.error_at_current("Can't have more than 255 parameters.");
                }
                parameters.extend(self.name("Expect parameter name."));
                if !self.matches(TokenKind::Comma) {
                    break;
                }
            }
        }
        self.expect(TokenKind::RightParen, "Expect ')' after parameters.");
        self.expect(TokenKind::LeftBrace, "Expect '{' before function body.");
        let body = self.block();
        self.functions.pop();
        FunctionNode {
            kind,
            name: name.map(|name| crate::ast::Property { text: name.text, span: name.span }),
            parameters: parameters.into_iter().collect(),
            body,
            line: self.previous.span.line,
            captures: OnceCell::new(),
        }
    }

    pub(super) fn var(&mut self) -> Stmt {
        let name = self.name("Expect variable name.");
        let value = self.matches(TokenKind::Equal).then(|| self.expression());
        self.expect(TokenKind::Semicolon, "Expect ';' after variable declaration.");
        match name {
            Some(name) => Stmt::Var { name, value, line: self.previous.span.line },
            None => Stmt::Nothing,
        }
    }
}
