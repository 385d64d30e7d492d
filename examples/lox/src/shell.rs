//! The command line and the interactive session.
//!
//! Exit codes: 0 for a program that ran to its end, 64 for a command line that makes no sense, 65
//! for a program with errors, 70 for one that failed while it ran, 74 for what could not be read or
//! written.

use std::ffi::OsString;
use std::io::{self, BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::interpreter::{Interpreter, Outcome};
use crate::mem;
use crate::report::HeapReport;

const USAGE: u8 = 64;
const BAD_PROGRAM: u8 = 65;
const PROGRAM_FAILED: u8 = 70;
const BAD_FILE: u8 = 74;

const HELP: &str = "\
Usage: lox [OPTIONS] [FILE]

Runs a Lox program, or without FILE an interactive session.

Options:
  --heap        show the heap by families after each phase, on standard error
  --heap-json   the same, each time as one line of JSON
  --gc-stress   collect garbage before making any object (slow)
  --help        show this text
  --version     show the version
  --            take what follows as FILE, even if it begins with a dash
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help,
    Version,
    Run(Settings),
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Settings {
    file: Option<PathBuf>,
    heap: HeapFormat,
    gc_stress: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum HeapFormat {
    #[default]
    None,
    Table,
    Json,
}

/// Does what the arguments (without the program's name) ask for; gives back the exit code.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match parse(arguments) {
        Ok(Request::Help) => printed(HELP),
        Ok(Request::Version) => printed(concat!("lox ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Request::Run(settings)) => run(&settings),
        Err(complaint) => {
            eprintln!("lox: {complaint}\nTry 'lox --help'.");
            USAGE
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut settings = Settings::default();
    let mut only_files = false;
    for argument in arguments {
        match argument.to_str() {
            Some("--") if !only_files => only_files = true,
            Some("--help" | "-h") if !only_files => return Ok(Request::Help),
            Some("--version" | "-V") if !only_files => return Ok(Request::Version),
            Some("--heap") if !only_files => settings.heap = HeapFormat::Table,
            Some("--heap-json") if !only_files => settings.heap = HeapFormat::Json,
            Some("--gc-stress") if !only_files => settings.gc_stress = true,
            Some(option) if option.starts_with('-') && option != "-" && !only_files => {
                return Err(format!("unknown option '{option}'"));
            }
            _ if settings.file.is_some() => return Err("more than one file".to_owned()),
            _ => settings.file = Some(argument.into()),
        }
    }
    Ok(Request::Run(settings))
}

fn printed(text: &str) -> u8 {
    let written = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    written.map_or(BAD_FILE, |()| 0)
}

fn run(settings: &Settings) -> u8 {
    let output = BufWriter::with_capacity(64 << 10, io::stdout());
    let errors = Box::new(io::stderr());
    // SAFETY: the program makes no other.
    let mut interpreter =
        unsafe { Interpreter::sole(Box::new(output), errors, settings.gc_stress) };
    let code = match &settings.file {
        Some(file) => run_file(&mut interpreter, file, settings.heap),
        None => run_session(&mut interpreter),
    };
    drop(interpreter);
    show_heap(settings.heap, "ended");
    if settings.heap != HeapFormat::None && mem::heap_stats().is_none() {
        eprintln!("lox: this program was built without families, so there is no heap to show");
    }
    code
}

fn run_file(interpreter: &mut Interpreter, file: &Path, heap: HeapFormat) -> u8 {
    let shown = file.display();
    let source = match std::fs::read(file) {
        Ok(bytes) => String::from_utf8(bytes),
        Err(error) => {
            eprintln!("lox: could not read file '{shown}': {error}");
            return BAD_FILE;
        }
    };
    let source = match source {
        Ok(source) => source,
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            eprintln!("lox: could not read file '{shown}': line {line} is not UTF-8 text");
            return BAD_FILE;
        }
    };
    let outcome =
        interpreter.interpret_watched(&source, &mut |phase| show_heap(heap, phase.name()));
    exit_code(&outcome)
}

fn exit_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Done => 0,
        Outcome::CompileError => BAD_PROGRAM,
        Outcome::RuntimeError => PROGRAM_FAILED,
        Outcome::OutputFailed(error) => {
            // A reader that has seen enough is no reason to complain.
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("lox: could not write: {error}");
            }
            BAD_FILE
        }
    }
}

/// Reads lines and runs each as a program of its own, until there are no more.
fn run_session(interpreter: &mut Interpreter) -> u8 {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        if printed("> ") != 0 {
            return BAD_FILE;
        }
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return printed("\n"),
            Ok(_) => {}
            Err(error) => {
                eprintln!("lox: could not read: {error}");
                return BAD_FILE;
            }
        }
        let Ok(source) = std::str::from_utf8(&line) else {
            eprintln!("lox: the line is not UTF-8 text");
            continue;
        };
        // The session outlives errors, but not its output.
        if let outcome @ Outcome::OutputFailed(_) = interpreter.interpret(source) {
            return exit_code(&outcome);
        }
    }
}

fn show_heap(format: HeapFormat, phase: &'static str) {
    if format == HeapFormat::None {
        return;
    }
    let Some(families) = mem::heap_stats() else { return };
    let report = HeapReport { phase, families };
    match format {
        HeapFormat::Json => eprintln!("{}", report.to_json()),
        _ => eprint!("{report}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Request, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn options_and_file_come_in_any_order() {
        let expected =
            Settings { file: Some("a.lox".into()), heap: HeapFormat::Json, gc_stress: true };
        let one = parsed(&["--gc-stress", "a.lox", "--heap-json"]);
        assert_eq!(one, Ok(Request::Run(expected)));
        assert_eq!(parsed(&[]), Ok(Request::Run(Settings::default())));
        assert_eq!(parsed(&["a.lox", "--help"]), Ok(Request::Help));
        assert_eq!(parsed(&["--version"]), Ok(Request::Version));
    }

    #[test]
    fn two_dashes_end_the_options() {
        let settings = Settings { file: Some("--heap".into()), ..Settings::default() };
        assert_eq!(parsed(&["--", "--heap"]), Ok(Request::Run(settings)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(parsed(&["--heep"]), Err("unknown option '--heep'".to_owned()));
        assert_eq!(parsed(&["-x"]), Err("unknown option '-x'".to_owned()));
        assert_eq!(parsed(&["a", "b"]), Err("more than one file".to_owned()));
    }
}
