//! A compiler front end whose memory is sorted by how long things live.
//!
//! ```text
//! cargo run --release --example compiler                  # compiles a built-in program
//! cargo run --release --example compiler -- FILE...       # compiles each file by itself
//! ```
//!
//! It compiles a small language of expressions and functions for a stack machine, prints the listing,
//! and runs `main`. Each file is a unit:
//!
//! ```text
//! source -> lexer -> parser -> resolve -> check -> fold -> emit -> machine
//! ```
//!
//! What it allocates has one of four lifetimes:
//!
//! | family    | what                                       | dies                                     |
//! |-----------|--------------------------------------------|------------------------------------------|
//! | `Ast`     | the syntax tree, of plain `&'r Expr<'r>`   | with its unit: `Region::reset`           |
//! | `Scratch` | scopes of names, types of variables        | with each function: `Region::nested`      |
//! | `Code`    | what was compiled                          | with the program it is part of           |
//! | `Name`    | identifiers, each once                     | never                                    |

mod ast;
mod check;
mod code;
mod diagnostics;
mod fold;
mod lexer;
mod machine;
mod names;
mod parser;
mod resolve;

use std::fmt::Display;
use std::process::ExitCode;
use std::{env, fs};

use famalloc::{Region, Snapshot, alloc_family, reclaim};

use code::Program;
use diagnostics::Diagnostics;
use names::Names;

/// The lifetimes of the compiler. Each variant is a family; the macro makes a type of each, in a module
/// named after the enum: `lives::Ast`, `lives::Scratch`, ...
#[alloc_family]
enum Lives {
    /// One unit.
    Ast,
    /// One function in one phase.
    Scratch,
    /// One program.
    Code,
    /// For good.
    Name,
}

/// What outlives a unit.
#[derive(Default)]
struct Compiler {
    /// One region for all units, one after the other: what the first one took is there for the next.
    tree: Region<lives::Ast>,
    names: Names,
    programs: Vec<Program>,
    failed: bool,
}

impl Compiler {
    /// Compiles a unit, shows what came of it, and runs it.
    fn compile(&mut self, file: &str, source: &str) {
        match unit(&self.tree, &mut self.names, source) {
            Ok(program) => {
                print!("{}", program.listing(&self.names));
                match machine::run(&program) {
                    Ok(value) => println!("{file}: main() = {value}"),
                    Err(failure) => self.complain(file, &failure),
                }
                self.programs.push(program);
            }
            Err(diagnostics) => {
                self.failed = true;
                eprint!("{}", diagnostics.display(file, source));
            }
        }
        println!("{file}: the syntax tree took {} bytes\n", self.tree.usage().live_bytes);
        // The whole tree is gone: a few instructions, whatever its size. No node of it can be in a
        // program; the compiler would not let it.
        self.tree.reset();
    }

    fn complain(&mut self, file: &str, failure: &dyn Display) {
        self.failed = true;
        eprintln!("{file}: error: {failure}");
    }
}

fn main() -> ExitCode {
    let mut compiler = Compiler::default();
    let files = Vec::from_iter(env::args_os().skip(1));
    if files.is_empty() {
        compiler.compile("program.src", include_str!("program.src"));
    }
    for file in &files {
        let name = file.to_string_lossy();
        match fs::read_to_string(file) {
            Ok(source) => compiler.compile(&name, &source),
            Err(error) => compiler.complain(&name, &error),
        }
    }

    println!("all units are compiled; no tree and no scope is left:\n\n{}", heap());
    let Compiler { tree, names, programs, failed } = compiler;
    drop((tree, programs));
    reclaim(usize::MAX);
    println!("with the programs dropped, {} names are what is left:\n\n{}", names.len(), heap());
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn heap() -> Snapshot {
    Snapshot::of::<Lives>()
}

/// Compiles a unit. The tree lies in the region; what is returned does not.
fn unit(
    tree: &Region<lives::Ast>,
    names: &mut Names,
    source: &str,
) -> Result<Program, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let functions = parser::parse(tree, names, &mut diagnostics, source);
    // Each phase wants the work of the one before to be sound.
    diagnostics.check()?;
    let mut scratch = Region::<lives::Scratch>::new();
    let functions = resolve::resolve(tree, &mut scratch, names, &mut diagnostics, functions);
    diagnostics.check()?;
    check::check(&scratch, names, &mut diagnostics, functions);
    diagnostics.check()?;
    let functions = fold::fold(tree, functions);
    let main = names.intern("main");
    Ok(Program::emit(functions, main))
}
