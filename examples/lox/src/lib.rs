//! An interpreter for Lox, the language of Robert Nystrom's book *Crafting Interpreters*, whose
//! memory is sorted by lifetime: an example of what famalloc is for.
//!
//! A source goes through a scanner, a parser that builds a syntax tree, a resolver that finds out
//! what each name means, and a compiler; the bytecode runs on a virtual machine under a
//! mark-and-sweep collector. [`mem`] tells which lifetimes there are, and is the only module that
//! knows where memory comes from. The others, from the bottom up:
//!
//! | | |
//! |---|---|
//! | values | `value`, `number` (how they are printed), `object`, `instance`, `methods`, `shapes` |
//! | heap | `strings` (the interner), `heap` (makes objects), `gc` (frees them) |
//! | front | `token`, `scanner`, `diagnostics`, `ast`, `parser`, `globals`, `resolver` |
//! | code | `chunk` (instructions and functions), `compiler` |
//! | machine | `vm`, `natives`, [`interpreter`] |
//! | shell | [`report`] (the heap as a table), [`shell`] (command line and interactive session) |
//!
//! What the program prints, the messages of errors, and the exit codes are those of the book's
//! bytecode interpreter, so that programs written to test that one test this one too.

mod ast;
mod chunk;
mod compiler;
mod diagnostics;
mod gc;
mod globals;
mod heap;
mod instance;
pub mod interpreter;
pub mod mem;
mod methods;
mod natives;
mod number;
mod object;
mod parser;
pub mod report;
mod resolver;
mod scanner;
mod shapes;
pub mod shell;
mod strings;
mod token;
mod value;
mod vm;

pub use interpreter::{Interpreter, Outcome, Phase};
