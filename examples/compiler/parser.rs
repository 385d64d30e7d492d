//! From tokens to a tree, by recursive descent. The nodes go straight into the region.

use std::cell::Cell;

use famalloc::Region;

use crate::ast::{Expr, ExprKind, Function, Parameter, Place, Type};
use crate::diagnostics::Diagnostics;
use crate::lexer::{Lexer, Token};
use crate::lives;
use crate::names::{Name, Names};

/// Deeper than this no expression is nested: recursion ends before the stack does.
const DEEPEST: u32 = 100;

const KEYWORDS: [&str; 8] = ["fn", "if", "then", "else", "let", "in", "true", "false"];

/// It was reported; skip to where the next function may begin.
struct Reported;

type Parsed<T> = Result<T, Reported>;

/// All functions of a source.
pub(crate) fn parse<'r>(
    tree: &'r Region<lives::Ast>,
    names: &mut Names,
    diagnostics: &mut Diagnostics,
    source: &str,
) -> &'r [Function<'r>] {
    if u32::try_from(source.len()).is_err() {
        diagnostics.report(0, "the source is larger than 4 GiB".to_owned());
        return &[];
    }
    let mut lexer = Lexer::new(source);
    let next = lexer.next();
    let mut parser = Parser { tree, names, diagnostics, lexer, next, depth: 0 };
    // The slice grows in the region while functions are parsed into the same region: it moves when it
    // must, and its earlier room is used for what comes.
    tree.alloc_slice_fill_iter(std::iter::from_fn(|| parser.next_function()))
}

struct Parser<'r, 's, 'n> {
    tree: &'r Region<lives::Ast>,
    names: &'n mut Names,
    diagnostics: &'n mut Diagnostics,
    lexer: Lexer<'s>,
    next: (Place, Token<'s>),
    depth: u32,
}

impl<'r> Parser<'r, '_, '_> {
    /// The next function without errors, up to the end.
    fn next_function(&mut self) -> Option<Function<'r>> {
        while self.next.1 != Token::End {
            match self.function() {
                Ok(function) => return Some(function),
                Err(Reported) => {
                    self.depth = 0;
                    self.advance();
                    while !matches!(self.next.1, Token::End | Token::Word("fn")) {
                        self.advance();
                    }
                }
            }
        }
        None
    }

    fn function(&mut self) -> Parsed<Function<'r>> {
        self.word("fn")?;
        let (place, name) = self.name()?;
        self.sign("(")?;
        let parameters = self.list(Self::parameter)?;
        self.sign("->")?;
        let result = self.type_name()?;
        self.sign("=")?;
        let body = self.expression()?;
        self.sign(";")?;
        Ok(Function { place, name, parameters, result, body, slots: 0 })
    }

    fn parameter(&mut self) -> Parsed<Parameter> {
        let (place, name) = self.name()?;
        self.sign(":")?;
        Ok(Parameter { place, name, of: self.type_name()? })
    }

    /// Items with commas between, up to the closing parenthesis.
    fn list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<&'r [T]> {
        if self.next.1 == Token::Sign(")") {
            self.advance();
            return Ok(&[]);
        }
        let tree = self.tree;
        let (mut result, mut ended) = (Ok(()), false);
        let items = tree.alloc_slice_fill_iter(std::iter::from_fn(|| {
            let next = (!ended).then(|| self.item_of_list(item))?;
            match next {
                Ok((item, was_last)) => {
                    ended = was_last;
                    Some(item)
                }
                Err(reported) => {
                    result = Err(reported);
                    None
                }
            }
        }));
        result.map(|()| &*items)
    }

    /// An item with what follows it, and whether that ended the list.
    fn item_of_list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<(T, bool)> {
        let item = item(self)?;
        if self.next.1 == Token::Sign(",") {
            self.advance();
            return Ok((item, false));
        }
        self.sign(")")?;
        Ok((item, true))
    }

    fn expression(&mut self) -> Parsed<&'r Expr<'r>> {
        let place = self.next.0;
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.fail(format!("expressions are nested at most {DEEPEST} deep"));
        }
        let kind = match self.next.1 {
            Token::Word("if") => {
                self.advance();
                let condition = self.expression()?;
                self.word("then")?;
                let yes = self.expression()?;
                self.word("else")?;
                ExprKind::If(condition, yes, self.expression()?)
            }
            Token::Word("let") => {
                self.advance();
                let (_, name) = self.name()?;
                self.sign("=")?;
                let value = self.expression()?;
                self.word("in")?;
                ExprKind::Let { name, slot: Cell::new(0), value, body: self.expression()? }
            }
            _ => {
                let first = self.operand()?;
                let expression = self.operation(first, 1)?;
                self.depth -= 1;
                return Ok(expression);
            }
        };
        self.depth -= 1;
        Ok(self.node(place, kind))
    }

    /// What follows an operand, as long as it binds at least so closely: precedence climbing (Clarke,
    /// The top-down parsing of expressions, 1986).
    fn operation(&mut self, left: &'r Expr<'r>, least: u8) -> Parsed<&'r Expr<'r>> {
        let mut left = left;
        let mut length = 0;
        while let (place, Token::Operator(operator)) = self.next {
            if operator.precedence() < least {
                break;
            }
            // A long chain leans to the left, and phases recurse as deep as that.
            length += 1;
            if self.depth + length > DEEPEST {
                return self.fail(format!("expressions are nested at most {DEEPEST} deep"));
            }
            self.advance();
            let right = self.operand()?;
            let right = self.operation(right, operator.precedence() + 1)?;
            left = self.node(place, ExprKind::Binary(operator, left, right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<&'r Expr<'r>> {
        let (place, token) = self.next;
        let kind = match token {
            Token::Number(digits) => match digits.parse() {
                Ok(number) => ExprKind::Int(number),
                Err(_) => return self.fail(format!("`{digits}` is no number of 64 bits")),
            },
            Token::Word("true") => ExprKind::Bool(true),
            Token::Word("false") => ExprKind::Bool(false),
            Token::Word("if" | "let") => return self.expression(),
            Token::Word(word) if !KEYWORDS.contains(&word) => {
                let (_, name) = self.name()?;
                if self.next.1 != Token::Sign("(") {
                    let kind = ExprKind::Variable { name, slot: Cell::new(0) };
                    return Ok(self.node(place, kind));
                }
                self.advance();
                let arguments = self.list(Self::expression)?;
                let kind = ExprKind::Call { name, function: Cell::new(0), arguments };
                return Ok(self.node(place, kind));
            }
            Token::Sign("(") => {
                self.advance();
                let inner = self.expression()?;
                self.sign(")")?;
                return Ok(inner);
            }
            _ => return self.expected("an expression"),
        };
        self.advance();
        Ok(self.node(place, kind))
    }

    fn node(&self, place: Place, kind: ExprKind<'r>) -> &'r Expr<'r> {
        self.tree.alloc(Expr { place, kind })
    }

    fn name(&mut self) -> Parsed<(Place, Name)> {
        match self.next {
            (place, Token::Word(word)) if !KEYWORDS.contains(&word) => {
                self.advance();
                Ok((place, self.names.intern(word)))
            }
            _ => self.expected("a name"),
        }
    }

    fn type_name(&mut self) -> Parsed<Type> {
        let of = match self.next.1 {
            Token::Word("int") => Type::Int,
            Token::Word("bool") => Type::Bool,
            _ => return self.expected("a type, `int` or `bool`"),
        };
        self.advance();
        Ok(of)
    }

    fn word(&mut self, word: &str) -> Parsed<()> {
        if self.next.1 != Token::Word(word) {
            return self.expected(&format!("`{word}`"));
        }
        self.advance();
        Ok(())
    }

    fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.next.1 != Token::Sign(sign) {
            return self.expected(&format!("`{sign}`"));
        }
        self.advance();
        Ok(())
    }

    fn advance(&mut self) {
        self.next = self.lexer.next();
    }

    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let found = match self.next.1 {
            Token::Word(text) | Token::Number(text) => format!("`{text}`"),
            Token::Sign(text) => format!("`{text}`"),
            Token::Operator(operator) => format!("`{operator}`"),
            Token::Unknown(character) => format!("`{character}`, which means nothing here"),
            Token::End => "the end of the source".to_owned(),
        };
        self.fail(format!("expected {what}, found {found}"))
    }

    fn fail<T>(&mut self, message: String) -> Parsed<T> {
        self.diagnostics.report(self.next.0, message);
        Err(Reported)
    }
}
