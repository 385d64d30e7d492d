//! The Lox interpreter, given any source: it ends, with the outcome that the source deserves, and when it
//! is gone no object of its families is left.

use std::io;

use lox::{Interpreter, Outcome, mem};

use crate::counting;
use crate::input::Input;

const NAMES: &[&str] = &["a", "b", "c", "f", "g", "Klass", "Other", "this", "init", "clock"];
const WORDS: &[&str] = &[
    "and",
    "class",
    "else",
    "false",
    "for",
    "fun",
    "if",
    "nil",
    "or",
    "print",
    "return",
    "super",
    "this",
    "true",
    "var",
    "while",
    "(",
    ")",
    "{",
    "}",
    ",",
    ".",
    "-",
    "+",
    ";",
    "/",
    "*",
    "!",
    "!=",
    "=",
    "==",
    ">",
    ">=",
    "<",
    "<=",
    "a",
    "b",
    "c",
    "init",
    "0",
    "1",
    "2.5",
    "1e3",
    "\"text\"",
    "\"\"",
    "\"",
    "// line\n",
    "\n",
    "clock",
    "@",
    "\u{e4}",
];

/// Writes statements and expressions as an input chooses.
struct Writer<'i> {
    input: &'i mut Input,
    text: String,
}

impl Writer<'_> {
    fn name(&mut self) -> &'static str {
        NAMES[self.input.below(NAMES.len())]
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn block(&mut self, depth: usize) {
        self.put("{ ");
        for _ in 0..self.input.below(4) {
            self.statement(depth + 1);
        }
        self.put("}\n");
    }

    fn parameters(&mut self) {
        let count = self.input.below(3);
        self.put(["()", "(a)", "(a, b)"][count]);
    }

    fn statement(&mut self, depth: usize) {
        if self.input.is_over() || depth > 8 {
            return self.put("print a;");
        }
        match self.input.byte() % 16 {
            0..3 => {
                let name = self.name();
                self.put(&format!("var {name} = "));
                self.expression(0);
                self.put(";\n");
            }
            3 | 4 => {
                self.put("print ");
                self.expression(0);
                self.put(";\n");
            }
            5 => {
                let name = self.name();
                self.put(&format!("fun {name}"));
                self.parameters();
                self.block(depth);
            }
            6 | 7 => {
                let (name, heir) = (self.name(), self.input.byte() % 2 == 0);
                self.put(&format!("class {name} "));
                if heir {
                    let name = self.name();
                    self.put(&format!("< {name} "));
                }
                self.put("{ ");
                for _ in 0..self.input.below(4) {
                    let name = self.name();
                    self.put(name);
                    self.parameters();
                    self.block(depth);
                }
                self.put("}\n");
            }
            8 => {
                self.put("if (");
                self.expression(0);
                self.put(") ");
                self.block(depth);
                if self.input.byte() % 2 == 0 {
                    self.put("else ");
                    self.statement(depth + 1);
                }
            }
            9 => {
                self.put("while (");
                self.expression(0);
                self.put(") ");
                self.block(depth);
            }
            10 => {
                self.put("for (var b = 0; b < 9; b = b + 1) ");
                self.block(depth);
            }
            11 => {
                self.put("return ");
                self.expression(0);
                self.put(";\n");
            }
            12 => self.block(depth),
            _ => {
                self.expression(0);
                self.put(";\n");
            }
        }
    }

    fn expression(&mut self, depth: usize) {
        if self.input.is_over() || depth > 10 {
            return self.put("1");
        }
        match self.input.byte() % 22 {
            0 => self.put("nil"),
            1 => self.put("true"),
            2 | 3 => {
                let number = self.input.byte();
                self.put(&format!("{number}"));
            }
            4 => {
                let text = ["\"\"", "\"a\"", "\"some text that is longer than others\""];
                let at = self.input.below(3);
                self.put(text[at]);
            }
            5..8 => {
                let name = self.name();
                self.put(name);
            }
            8..12 => {
                let signs = ["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or"];
                let sign = signs[self.input.below(signs.len())];
                self.expression(depth + 1);
                self.put(&format!(" {sign} "));
                self.expression(depth + 1);
            }
            12 => {
                let name = self.name();
                self.put(&format!("({name} = "));
                self.expression(depth + 1);
                self.put(")");
            }
            13..16 => {
                self.expression(depth + 1);
                self.put("(");
                for at in 0..self.input.below(3) {
                    self.put(if at > 0 { ", " } else { "" });
                    self.expression(depth + 1);
                }
                self.put(")");
            }
            16 | 17 => {
                let name = self.name();
                self.expression(depth + 1);
                self.put(&format!(".{name}"));
            }
            18 => {
                let name = self.name();
                self.put("(");
                self.expression(depth + 1);
                self.put(&format!(".{name} = "));
                self.expression(depth + 1);
                self.put(")");
            }
            19 => {
                let name = self.name();
                self.put(&format!("super.{name}"));
            }
            20 => {
                self.put("!");
                self.expression(depth + 1);
            }
            _ => {
                self.put("-");
                self.expression(depth + 1);
            }
        }
    }
}

/// The source that an input is, or stands for.
fn source(bytes: &[u8]) -> String {
    let mut input = Input::new(bytes);
    match input.byte() / 2 % 3 {
        0 => String::from_utf8_lossy(bytes.get(1..).unwrap_or_default()).into_owned(),
        1 => {
            let words = bytes.get(1..).unwrap_or_default().iter();
            words.map(|&byte| WORDS[usize::from(byte) % WORDS.len()].to_owned() + " ").collect()
        }
        _ => {
            let mut writer = Writer { input: &mut input, text: String::new() };
            while !writer.input.is_over() {
                writer.statement(0);
            }
            writer.text
        }
    }
}

/// Interprets what an input says, as one session of several sources.
pub fn run(bytes: &[u8]) {
    let source = source(bytes);
    let stressed = bytes.first().is_some_and(|byte| byte % 2 == 1) && source.len() < 4096;
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{source}");
    }
    let mut interpreter = Interpreter::new(Box::new(io::sink()), Box::new(io::sink()), stressed);
    for part in source.split('\0') {
        match interpreter.interpret(part) {
            Outcome::Done | Outcome::CompileError | Outcome::RuntimeError => {}
            Outcome::OutputFailed(error) => panic!("nothing is written anywhere: {error}"),
        }
        counting::add(1);
    }
    drop(interpreter);
    for family in mem::heap_stats().expect("there are families") {
        assert_eq!(family.live_objects, 0, "left in {}", family.name);
    }
    famalloc::check().expect("all is whole");
}
