//! The macro, given any tokens: it comes to an end, and what it makes is Rust, whose errors are the
//! macro's own.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use crate::counting;
use crate::input::Input;

/// Deeper than that the compiler itself refuses.
const DEPTH: usize = 24;

/// Pieces of arguments and items. Groups have a part of the input inside.
const PIECES: &[&str] = &[
    "enum",
    "struct",
    "union",
    "fn",
    "mod",
    "impl",
    "pub",
    "crate",
    "self",
    "super",
    "r#type",
    "Lives",
    "Ast",
    "Object",
    "A",
    "B",
    "r#A",
    "T",
    "'a",
    "where",
    "const",
    "N",
    "usize",
    ",",
    ";",
    ":",
    "::",
    "=",
    "#",
    "!",
    "<",
    ">",
    "->",
    "=>",
    "..",
    "&",
    "?",
    "source",
    "thread_local",
    "\"initial-exec\"",
    "PAGES",
    "family",
    "isolate",
    "zero_on_free",
    "limit",
    "align",
    "\"natural\"",
    "fallback",
    "block",
    "\"64 MiB\"",
    "\"64 KiB\"",
    "\"1 MiB\"",
    "\"3 MiB\"",
    "\"18446744073709551616 GiB\"",
    "\"\"",
    "\"B\"",
    "64",
    "65_536",
    "0x10000",
    "1e9",
    "-1",
    "1.5",
    "u128",
    "340282366920938463463374607431768211456",
    "cfg",
    "cfg_attr",
    "feature",
    "any",
    "not",
    "doc",
    "repr",
    "u8",
    "derive",
    "Clone",
    "_",
    "$",
    "@",
    "b\"x\"",
    "'x'",
    "\"\\u{0}\"",
    "c\"x\"",
    "in",
    "isolated",
    "limits",
    "Option",
    "=1",
    "=0",
    "// note\n",
    "/** doc */",
];

fn pieces(input: &mut Input, depth: usize, text: &mut String) {
    while !input.is_over() {
        let byte = input.byte();
        let groups = [('(', ')'), ('[', ']'), ('{', '}')];
        match byte {
            250.. if depth > 0 => return,
            220..250 if depth < DEPTH => {
                let (open, close) = groups[usize::from(byte) % 3];
                text.push(open);
                pieces(input, depth + 1, text);
                text.push(close);
            }
            // An attribute, or a variant of a set.
            200..220 if depth < DEPTH => {
                text.push_str("#[family(");
                pieces(input, depth + 1, text);
                text.push_str(")] ");
            }
            _ => {
                text.push_str(PIECES[usize::from(byte) % PIECES.len()]);
                text.push(' ');
            }
        }
    }
}

fn too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    // Operators in a row nest in the parser as well.
    let mut row = 0;
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        row = if b"&*!-|+.".contains(&byte) || byte.is_ascii_whitespace() { row + 1 } else { 0 };
        depth > 2 * DEPTH || row > 64
    })
}

fn says_error(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == "compile_error",
        TokenTree::Group(group) => says_error(group.stream()),
        _ => false,
    })
}

/// Expands what an input says, or what it stands for.
pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (arguments, item) = if input.byte() % 2 == 0 {
        let rest = String::from_utf8_lossy(bytes.get(1..).unwrap_or_default()).into_owned();
        let (arguments, item) = rest.split_once('\n').unwrap_or(("", &rest));
        (arguments.to_owned(), item.to_owned())
    } else {
        let mut arguments = Input::new(&[]);
        let length = usize::from(input.byte() % 12);
        if length > 0 {
            arguments = Input::new(&(0..length).map(|_| input.byte()).collect::<Vec<_>>());
        }
        let (mut before, mut item) = (String::new(), String::new());
        pieces(&mut arguments, 1, &mut before);
        match input.byte() % 4 {
            0 => pieces(&mut input, 0, &mut item),
            _ => {
                item.push_str("pub enum Lives {");
                pieces(&mut input, 1, &mut item);
                item.push('}');
            }
        }
        (before, item)
    };
    if too_deep(&arguments) || too_deep(&item) {
        return;
    }
    let (Ok(arguments), Ok(item)) =
        (TokenStream::from_str(&arguments), TokenStream::from_str(&item))
    else {
        return;
    };
    let was_error = syn::parse2::<syn::File>(item.clone()).is_err();
    let made = macros_as_library::expand(arguments.clone(), item.clone());
    counting::add(1);
    // What was no item stays as it was, with an error beside it.
    let whole = syn::parse2::<syn::File>(made.clone()).is_ok() || was_error;
    assert!(whole, "no Rust: {made}\nof #[alloc_family({arguments})] {item}");
    assert!(!was_error || says_error(made.clone()), "no error: {made}");
}
