//! Runs the built interpreter on a source and collects what it did.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run of the interpreter did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).expect("the output is text"),
            stderr: String::from_utf8(output.stderr).expect("the messages are text"),
            code: output.status.code().expect("the interpreter ends by itself"),
        }
    }
}

/// Runs the interpreter with these arguments, and with this text as its input.
pub(crate) fn lox<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_lox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter starts");
    // One that ends without reading its input closes the pipe, which is no fault.
    let _ = child.stdin.take().expect("it is piped").write_all(input);
    child.wait_with_output().expect("the interpreter ends").into()
}

/// A file with this content, gone when the value is dropped.
pub(crate) struct TemporaryFile(pub(crate) PathBuf);

impl TemporaryFile {
    pub(crate) fn new(content: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lox-test-{}-{number}.lox", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).expect("the temporary directory can be written");
        Self(path)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs a source as a file.
pub(crate) fn run(source: &str) -> Ran {
    let file = TemporaryFile::new(source.as_bytes());
    lox([&file.0], b"")
}

/// Runs a source as a file, twice: as it is, and with a collection before every object. Both have
/// to do the same.
pub(crate) fn run_both_ways(source: &str) -> Ran {
    let file = TemporaryFile::new(source.as_bytes());
    let ran = lox([&file.0], b"");
    let stressed = lox([OsStr::new("--gc-stress"), file.0.as_os_str()], b"");
    assert_eq!(ran, stressed, "the collector changed what this does:\n{source}");
    ran
}

/// Checks sources that run to their end against what they print, with spaces for line ends.
pub(crate) fn check_prints(cases: &[(&str, &str)]) {
    check_all(cases, |(source, expected)| {
        let ran = run_both_ways(source);
        let stdout = ran.stdout.trim_end().replace('\n', " ");
        (
            Ran { stdout, ..ran },
            Ran { stdout: (*expected).to_owned(), stderr: String::new(), code: 0 },
        )
    });
}

/// Checks sources that fail against what they print before and the message, which ends in a line
/// end that is not given.
pub(crate) fn check_fails(code: i32, cases: &[(&str, &str, &str)]) {
    check_all(cases, |(source, stdout, stderr)| {
        let expected = Ran { stdout: (*stdout).to_owned(), stderr: format!("{stderr}\n"), code };
        (run_both_ways(source), expected)
    });
}

/// Reports all cases that do something else than they should.
fn check_all<C: std::fmt::Debug>(cases: &[C], check: impl Fn(&C) -> (Ran, Ran)) {
    let wrong = cases
        .iter()
        .map(|case| (case, check(case)))
        .filter(|(_, (ran, expected))| ran != expected)
        .map(|(case, (ran, expected))| {
            format!("{case:?}\n     did {ran:?}\n  should {expected:?}\n")
        })
        .collect::<String>();
    assert!(wrong.is_empty(), "{wrong}");
}
