//! The parser: tokens to syntax tree, by recursive descent.
//!
//! After an error it goes on as if nothing had happened, only without reporting more, until it
//! finds the start of a statement (*panic mode*); so one mistake is one message, and the next one
//! is found too. In place of what it cannot read it puts `Missing` or `Nothing`.
//!
//! What is wrong without looking at any variable it reports itself: `return`, `this` and `super`
//! where they mean nothing, a class that inherits from itself.
//!
//! Constructs nest [`MAX_NESTING`] deep at most, so that neither this nor any later pass can exhaust
//! the stack. Beyond that the parser gives the source up.
//!
//! Lists grow in scratch memory and move to family `Ast` when they are complete.

mod declarations;
mod expressions;
mod statements;

use bumpalo::Bump;
use bumpalo::collections::Vec as ScratchVec;

use crate::ast::{FunctionKind, FunctionNode, Name, Property};
use crate::diagnostics::Diagnostics;
use crate::heap::Heap;
use crate::object::{Ref, Str};
use crate::scanner::Scanner;
use crate::token::{Span, Token, TokenKind};

/// How deeply expressions and statements may nest, counted in calls of the parser: a parenthesis is
/// one, an operand of an operator another.
const MAX_NESTING: u32 = 400;

/// Reads the whole source. The tree is complete if no error was found.
pub(crate) fn parse(
    heap: &mut Heap,
    diagnostics: &mut Diagnostics<'_>,
    scratch: &Bump,
) -> FunctionNode {
    let mut parser = Parser::new(heap, diagnostics, scratch);
    parser.advance();
    let mut statements = ScratchVec::new_in(scratch);
    while !parser.matches(TokenKind::End) {
        statements.push(parser.declaration());
    }
    FunctionNode {
        kind: FunctionKind::Script,
        name: None,
        parameters: std::iter::empty().collect(),
        body: statements.into_iter().collect(),
        line: parser.previous.span.line,
        captures: std::cell::OnceCell::new(),
    }
}

struct Parser<'p, 's> {
    scanner: Scanner<'s>,
    heap: &'p mut Heap,
    diagnostics: &'p mut Diagnostics<'s>,
    scratch: &'p Bump,
    current: Token,
    previous: Token,
    /// In panic mode: where it began.
    panic_from: Option<u32>,
    gave_up: bool,
    nesting: u32,
    /// The functions around this place, the script first.
    functions: Vec<FunctionKind>,
    /// The classes around this place, and whether they have a superclass.
    classes: Vec<bool>,
    this_text: Ref<Str>,
    super_text: Ref<Str>,
}

impl<'p, 's> Parser<'p, 's> {
    fn new(heap: &'p mut Heap, diagnostics: &'p mut Diagnostics<'s>, scratch: &'p Bump) -> Self {
        let nothing = Token { kind: TokenKind::End, span: Span { start: 0, length: 0, line: 1 } };
        Self {
            scanner: Scanner::new(diagnostics.source()),
            this_text: heap.intern("this"),
            super_text: heap.intern("super"),
            heap,
            diagnostics,
            scratch,
            current: nothing,
            previous: nothing,
            panic_from: None,
            gave_up: false,
            nesting: 0,
            functions: vec![FunctionKind::Script],
            classes: Vec::new(),
        }
    }

    fn scratch_list<T>(&self) -> ScratchVec<'p, T> {
        ScratchVec::new_in(self.scratch)
    }

    fn advance(&mut self) {
        self.previous = self.current;
        while !self.gave_up {
            match self.scanner.next_token() {
                Ok(token) => {
                    self.current = token;
                    return;
                }
                Err(error) => {
                    if self.panic_from.is_none() {
                        self.panic_from = Some(error.span.start);
                        self.diagnostics.error(error.span, error.message);
                    }
                }
            }
        }
    }

    fn check(&self, kind: TokenKind) -> bool {
        self.current.kind == kind
    }

    fn matches(&mut self, kind: TokenKind) -> bool {
        let found = self.check(kind);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, kind: TokenKind, message: &'static str) -> bool {
        let found = self.matches(kind);
        if !found {
            self.error_at_current(message);
        }
        found
    }

    fn error_at_current(&mut self, message: &'static str) {
        self.error_at(self.current.span, message);
    }

    fn error_at_previous(&mut self, message: &'static str) {
        self.error_at(self.previous.span, message);
    }

    fn error_at(&mut self, span: Span, message: &'static str) {
        if self.panic_from.is_none() {
            self.panic_from = Some(span.start);
            self.diagnostics.error_at(span, message);
        }
    }

    /// One level deeper, if that is allowed; the caller comes back with `leave`.
    fn enter(&mut self) -> bool {
        if self.nesting < MAX_NESTING {
            self.nesting += 1;
            return true;
        }
        self.error_at_current("Code is nested too deeply.");
        if !self.gave_up {
            self.gave_up = true;
            let end = self.diagnostics.source().len() as u32;
            self.current = Token {
                kind: TokenKind::End,
                span: Span { start: end, length: 0, line: self.current.span.line },
            };
        }
        false
    }

    fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Ends panic mode at what looks like the start of a statement.
    fn synchronize(&mut self) {
        let Some(from) = self.panic_from else { return };
        if self.gave_up {
            return;
        }
        // What comes up on the way is part of the same error, and may start no new panic.
        while self.current.kind != TokenKind::End && self.previous.kind != TokenKind::Semicolon {
            match self.current.kind {
                TokenKind::Class
                | TokenKind::Fun
                | TokenKind::Var
                | TokenKind::For
                | TokenKind::If
                | TokenKind::While
                | TokenKind::Print
                | TokenKind::Return => break,
                _ => self.advance(),
            }
        }
        self.panic_from = None;
        self.diagnostics.silence(from..self.current.span.start);
    }

    /// The name that comes next.
    fn name(&mut self, message: &'static str) -> Option<Name> {
        let found = self.expect(TokenKind::Identifier, message);
        found.then(|| self.previous_as_name())
    }

    fn previous_as_name(&mut self) -> Name {
        let property = self.previous_as_property();
        Name::new(property.text, property.span)
    }

    fn previous_as_property(&mut self) -> Property {
        let span = self.previous.span;
        Property { text: self.heap.intern(span.of(self.diagnostics.source())), span }
    }
}

impl Drop for Parser<'_, '_> {
    fn drop(&mut self) {
        if let Some(from) = self.panic_from {
            self.diagnostics.silence(from..u32::MAX);
        }
    }
}

#[cfg(test)]
mod tests;
