//! The scanner: source text to tokens, one at a time, copying nothing.
//!
//! Invariant: `start <= position`, both on character boundaries, so that every span can be cut out
//! of the source. Everything that has a meaning in the language is ASCII; other characters occur
//! inside strings and comments only, and one of them elsewhere is one error.

use crate::token::{Span, Token, TokenKind};

/// Text that is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScanError {
    pub(crate) message: &'static str,
    pub(crate) span: Span,
}

/// Reads a source of fewer than 4 GiB.
pub(crate) struct Scanner<'s> {
    source: &'s str,
    start: usize,
    position: usize,
    line: u32,
}

impl<'s> Scanner<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self { source, start: 0, position: 0, line: 1 }
    }

    /// The next token; after the last one, `End` again and again.
    pub(crate) fn next_token(&mut self) -> Result<Token, ScanError> {
        self.skip_blanks();
        self.start = self.position;
        let Some(first) = self.bump() else { return Ok(self.token(TokenKind::End)) };
        let kind = match first {
            b'(' => TokenKind::LeftParen,
            b')' => TokenKind::RightParen,
            b'{' => TokenKind::LeftBrace,
            b'}' => TokenKind::RightBrace,
            b',' => TokenKind::Comma,
            b'.' => TokenKind::Dot,
            b'-' => TokenKind::Minus,
            b'+' => TokenKind::Plus,
            b';' => TokenKind::Semicolon,
            b'/' => TokenKind::Slash,
            b'*' => TokenKind::Star,
            b'!' => self.with_equal(TokenKind::BangEqual, TokenKind::Bang),
            b'=' => self.with_equal(TokenKind::EqualEqual, TokenKind::Equal),
            b'>' => self.with_equal(TokenKind::GreaterEqual, TokenKind::Greater),
            b'<' => self.with_equal(TokenKind::LessEqual, TokenKind::Less),
            b'"' => return self.string(),
            b'0'..=b'9' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            _ => {
                while !self.source.is_char_boundary(self.position) {
                    self.position += 1;
                }
                return Err(self.error("Unexpected character."));
            }
        };
        Ok(self.token(kind))
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.position).copied()
    }

    fn peek_second(&self) -> Option<u8> {
        self.source.as_bytes().get(self.position + 1).copied()
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        Some(byte)
    }

    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&belongs) {
            self.position += 1;
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\r' | b'\t') => self.position += 1,
                Some(b'\n') => {
                    self.position += 1;
                    self.line += 1;
                }
                Some(b'/') if self.peek_second() == Some(b'/') => {
                    self.skip_while(|byte| byte != b'\n');
                }
                _ => return,
            }
        }
    }

    fn with_equal(&mut self, with: TokenKind, without: TokenKind) -> TokenKind {
        if self.peek() == Some(b'=') {
            self.position += 1;
            with
        } else {
            without
        }
    }

    fn string(&mut self) -> Result<Token, ScanError> {
        loop {
            match self.bump() {
                Some(b'"') => return Ok(self.token(TokenKind::String)),
                Some(b'\n') => self.line += 1,
                Some(_) => {}
                None => return Err(self.error("Unterminated string.")),
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.peek() == Some(b'.') && self.peek_second().is_some_and(|byte| byte.is_ascii_digit())
        {
            self.position += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        TokenKind::Number
    }

    fn word(&mut self) -> TokenKind {
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        TokenKind::of_word(&self.source[self.start..self.position])
    }

    fn span(&self) -> Span {
        Span {
            start: self.start as u32,
            length: (self.position - self.start) as u32,
            line: self.line,
        }
    }

    fn token(&self, kind: TokenKind) -> Token {
        Token { kind, span: self.span() }
    }

    fn error(&self, message: &'static str) -> ScanError {
        ScanError { message, span: self.span() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(source: &str) -> Vec<(TokenKind, &str, u32)> {
        let mut scanner = Scanner::new(source);
        let mut tokens = Vec::new();
        loop {
            let token = scanner.next_token().expect("no error in this source");
            tokens.push((token.kind, token.span.of(source), token.span.line));
            if token.kind == TokenKind::End {
                return tokens;
            }
        }
    }

    fn kinds(source: &str) -> Vec<TokenKind> {
        scan(source).into_iter().map(|(kind, _, _)| kind).collect()
    }

    #[test]
    fn punctuation_takes_the_longest_match() {
        use TokenKind::*;
        assert_eq!(
            kinds("(){};,+-*!===<=>=!=<>/."),
            [
                LeftParen,
                RightParen,
                LeftBrace,
                RightBrace,
                Semicolon,
                Comma,
                Plus,
                Minus,
                Star,
                BangEqual,
                EqualEqual,
                LessEqual,
                GreaterEqual,
                BangEqual,
                Less,
                Greater,
                Slash,
                Dot,
                End
            ]
        );
    }

    #[test]
    fn words_are_keywords_only_as_a_whole() {
        use TokenKind::*;
        assert_eq!(
            kinds("and class else false for fun if nil or print return super this true var while"),
            [
                And, Class, Else, False, For, Fun, If, Nil, Or, Print, Return, Super, This, True,
                Var, While, End
            ]
        );
        assert_eq!(
            kinds("andy _if If formless x9"),
            [Identifier; 5].into_iter().chain([End]).collect::<Vec<_>>()
        );
    }

    #[test]
    fn numbers_need_digits_on_both_sides_of_the_dot() {
        use TokenKind::*;
        let texts = |source| {
            scan(source).into_iter().map(|(kind, text, _)| (kind, text)).collect::<Vec<_>>()
        };
        assert_eq!(texts("12.5"), [(Number, "12.5"), (End, "")]);
        assert_eq!(texts("12."), [(Number, "12"), (Dot, "."), (End, "")]);
        assert_eq!(texts(".5"), [(Dot, "."), (Number, "5"), (End, "")]);
        assert_eq!(texts("1.a"), [(Number, "1"), (Dot, "."), (Identifier, "a"), (End, "")]);
    }

    #[test]
    fn lines_are_counted_in_blanks_comments_and_strings() {
        let tokens = scan("a // b\n\"x\ny\"\n\n c");
        let lines = tokens.iter().map(|(_, text, line)| (*text, *line)).collect::<Vec<_>>();
        assert_eq!(lines, [("a", 1), ("\"x\ny\"", 3), ("c", 5), ("", 5)]);
    }

    #[test]
    fn errors_take_up_a_whole_character_and_scanning_goes_on() {
        let source = "a \u{20ac}\nb | \"open\n";
        let mut scanner = Scanner::new(source);
        assert_eq!(scanner.next_token().unwrap().span.of(source), "a");
        let error = scanner.next_token().unwrap_err();
        assert_eq!((error.message, error.span.of(source)), ("Unexpected character.", "\u{20ac}"));
        assert_eq!(scanner.next_token().unwrap().span.line, 2);
        assert_eq!(scanner.next_token().unwrap_err().span.of(source), "|");
        let error = scanner.next_token().unwrap_err();
        assert_eq!((error.message, error.span.line), ("Unterminated string.", 3));
        assert_eq!(scanner.next_token().unwrap().kind, TokenKind::End);
        assert_eq!(scanner.next_token().unwrap().kind, TokenKind::End);
    }
}
