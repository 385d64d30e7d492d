//! What the counts depend on besides the sources: the programs that write the instructions.

use std::ffi::OsStr;
use std::process::Command;

use super::Valgrind;

/// The kind of processor, the compilers, the C library and valgrind, each in its own words.
///
/// # Errors
///
/// One of them does not start.
pub fn tools(valgrind: &Valgrind) -> Result<Vec<String>, String> {
    let library = first_line("ldd", "--version")?;
    // The distribution's own number changes with every small repair.
    let library = library.split_whitespace().next_back().unwrap_or("unknown").to_owned();
    Ok(vec![
        std::env::consts::ARCH.to_owned(),
        first_line("rustc", "--version")?,
        first_line("cc", "--version")?,
        format!("C library {library}"),
        valgrind.version().to_owned(),
    ])
}

/// The first line that a program prints, asked for its version.
pub(super) fn first_line(program: impl AsRef<OsStr>, question: &str) -> Result<String, String> {
    let name = program.as_ref().to_string_lossy().into_owned();
    let output = Command::new(program).arg(question).output();
    let output = output.map_err(|error| format!("{name} does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() => Ok(line.trim().to_owned()),
        _ => Err(format!("{name} {question} ended with {}", output.status)),
    }
}
