//! Which crate's work owns the heap?
//!
//! A tool that looks at source code: `syn` parses it, and a script of the user's, run by `rhai`, says
//! what is worth reporting. Neither crate knows of families. The program says, by scopes, what each
//! of their calls is for, and can say at any time what each phase has left in memory; what a phase
//! took is given back whole when it is over.
//!
//! ```text
//! cargo run --release -p scopes [folder of .rs files]
//! ```
//!
//! Without a folder it looks at famalloc's own sources, and printed for them, once:
//!
//! ```text
//! the interpreter is there:
//!   family       objects    live KiB committed KiB   share
//!   General          313        1059          4544   83.3%
//!   Syntax             0           0             0    0.0%
//!   Engine          1676         212          2896   16.7%
//!   Compiled           0           0             0    0.0%
//!   Script             0           0             0    0.0%
//!
//! 154 files are parsed:
//!   family       objects    live KiB committed KiB   share
//!   General          315        1060          4608    3.4%
//!   Syntax        171122       30311         35624   96.0%
//!   Engine          1676         212          2896    0.7%
//!   Compiled           0           0             0    0.0%
//!   Script             0           0             0    0.0%
//!
//! 1590 functions are noted, the trees dropped; 41420 KiB went back to the system:
//!   family       objects    live KiB committed KiB   share
//!   General         3497        1250          4304   85.5%
//!   Syntax             0           0             0    0.0%
//!   Engine          1676         212           656   14.5%
//!   Compiled           0           0             0    0.0%
//!   Script             0           0             0    0.0%
//!
//! the script has run:
//!   family       objects    live KiB committed KiB   share
//!   General         3495        1250          4304   73.5%
//!   Syntax             0           0             0    0.0%
//!   Engine          1676         212           656   12.5%
//!   Compiled         248          20          1472    1.2%
//!   Script          3706         218          4800   12.8%
//!
//! The script says:
//!   allocator/mod.rs: 7 functions, 3 of them unsafe; 12 statements, most in resize
//!   allocator/region.rs: 5 functions, 3 of them unsafe; 17 statements, most in grow_zeroed
//!   arena/bits.rs: 13 functions, 0 of them unsafe; 86 statements, most in bits_are_what_a_list_of_words_says
//!   ...
//!   the favourite word is `from`
//!
//! the report is dropped; 6864 KiB went back to the system:
//!   family       objects    live KiB committed KiB   share
//!   General         3496        1250          4176   83.0%
//!   Syntax             0           0             0    0.0%
//!   Engine          1676         212           656   14.1%
//!   Compiled         248          20          1152    1.4%
//!   Script           343          23           384    1.5%
//!
//! the script and its interpreter are dropped; 4180 KiB went back to the system:
//!   family       objects    live KiB committed KiB   share
//!   General         3496        1250          4240  100.0%
//!   Syntax             0           0             0    0.0%
//!   Engine             1           0            64    0.0%
//!   Compiled           0           0             0    0.0%
//!   Script             0           0             0    0.0%
//! ```
//!
//! The object that stays in `Engine` is one that rhai makes once and for all. What is in `Script`
//! after the report is dropped is what the interpreter keeps for the next run.

mod heap;
mod source;

use std::path::PathBuf;
use std::{env, process};

use famalloc::{FamAlloc, alloc_family};
use rhai::{AST, Array, Dynamic, Engine, EvalAltResult, Map};

use source::Function;

/// What memory is for.
#[alloc_family]
enum Lives {
    /// What is in no scope: this program's own.
    General,
    /// Syntax trees, until everything worth knowing has been read from them.
    Syntax,
    /// The interpreter with all its functions, for as long as the program runs.
    Engine,
    /// Compiled scripts.
    Compiled,
    /// What scripts make while they run.
    Script,
}

#[global_allocator]
static GLOBAL: FamAlloc<Lives> = FamAlloc::new();

fn main() {
    let famalloc = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src");
    let folder = env::args_os().nth(1).map_or(PathBuf::from(famalloc), PathBuf::from);
    let sources = source::read(&folder).unwrap_or_else(|error| {
        eprintln!("{}: {error}", folder.display());
        process::exit(1)
    });
    if let Err(error) = run(&sources) {
        eprintln!("{error}");
        process::exit(1);
    }
}

fn run(sources: &[source::Source]) -> Result<(), Box<dyn std::error::Error>> {
    // A scope is a closure: whatever is called in there, in whichever crate, allocates in its family.
    let engine = lives::Engine::scope(Engine::new);
    heap::print("the interpreter is there");

    let trees = lives::Syntax::scope(|| source::parse(sources))?;
    heap::print(&format!("{} files are parsed", trees.len()));

    // No scope: this program's own notes, made from the trees and not of them.
    let functions = source::functions(&trees);
    drop(trees);
    heap::print_what_came_back(&format!(
        "{} functions are noted, the trees dropped",
        functions.len()
    ));

    let script = lives::Compiled::scope(|| engine.compile(include_str!("report.rhai")))?;
    let report = lives::Script::scope(|| report(&engine, &script, &functions))?;
    heap::print("the script has run");

    print_report(&report);
    drop(report);
    heap::print_what_came_back("the report is dropped");

    drop((script, engine));
    heap::print_what_came_back("the script and its interpreter are dropped");
    Ok(())
}

/// Has the script look at the functions.
fn report(
    engine: &Engine,
    script: &AST,
    functions: &[Function],
) -> Result<Map, Box<EvalAltResult>> {
    let functions: Array = functions.iter().map(as_value).collect();
    engine.call_fn(&mut rhai::Scope::new(), script, "report", (functions,))
}

/// A function as scripts see it.
fn as_value(function: &Function) -> Dynamic {
    let mut value = Map::new();
    value.insert("file".into(), function.file.clone().into());
    value.insert("name".into(), function.name.clone().into());
    value.insert("parameters".into(), Dynamic::from_int(function.parameters as i64));
    value.insert("statements".into(), Dynamic::from_int(function.statements as i64));
    value.insert("is_unsafe".into(), function.is_unsafe.into());
    value.into()
}

fn print_report(report: &Map) {
    println!("\nThe script says:");
    let lines = report["files"].read_lock::<Array>();
    lines.iter().flat_map(|lines| lines.iter().take(3)).for_each(|line| println!("  {line}"));
    println!("  ...\n  the favourite word is `{}`", report["favourite"]);
}
