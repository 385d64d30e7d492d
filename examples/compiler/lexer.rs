//! From characters to tokens. A token is a piece of the source; nothing is allocated.

use crate::ast::{Operator, Place};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'s> {
    Word(&'s str),
    Number(&'s str),
    Operator(Operator),
    Sign(&'static str),
    /// A character that begins no token.
    Unknown(char),
    End,
}

pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

/// Longer ones before their own beginnings.
const SIGNS: [&str; 7] = ["->", "(", ")", ",", ":", ";", "="];
const OPERATORS: [(&str, Operator); 10] = [
    ("==", Operator::Equal),
    ("&&", Operator::And),
    ("||", Operator::Or),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Remainder),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl<'s> Lexer<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    /// The next token and its place.
    pub(crate) fn next(&mut self) -> (Place, Token<'s>) {
        self.skip_blanks();
        let place = self.at as Place;
        let rest = &self.source[self.at..];
        let Some(first) = rest.chars().next() else { return (place, Token::End) };
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let sign = || SIGNS.iter().find(|sign| rest.starts_with(**sign));
        let operator = || OPERATORS.iter().find(|(text, _)| rest.starts_with(text));
        let (length, token) = if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let text = &rest[..length];
            (length, if first.is_ascii_digit() { Token::Number(text) } else { Token::Word(text) })
        } else if let Some(arrow) = sign().filter(|sign| **sign == "->") {
            (arrow.len(), Token::Sign(arrow))
        } else if let Some((text, operator)) = operator() {
            (text.len(), Token::Operator(*operator))
        } else if let Some(sign) = sign() {
            (sign.len(), Token::Sign(sign))
        } else {
            (first.len_utf8(), Token::Unknown(first))
        };
        self.at += length;
        (place, token)
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.source[self.at..];
            let blank = rest.len() - rest.trim_start().len();
            let comment = match rest[blank..].starts_with('#') {
                true => rest[blank..].find('\n').unwrap_or(rest.len() - blank),
                false => 0,
            };
            self.at += blank + comment;
            if blank + comment == 0 {
                return;
            }
        }
    }
}
