//! Running a program under cachegrind, and reading what it counted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tools::first_line;

/// The caches: 32 KiB of eight ways, for instructions and for data, and 512 KiB of eight ways as what
/// cachegrind calls the last level, which stands for a second one. Lines of 64 bytes.
const CACHES: [&str; 3] = ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64"];

/// How long the command line and the environment are, together: the stack begins below them, and
/// which of its lines share a set with which objects would depend on the names of folders.
const LENGTH: usize = 4096;

/// The exit code of a program that says that there is no such call (`ABSENT` in `c/calls.c`).
const ABSENT: i32 = 77;

/// What a run cost in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Instructions.
    pub instructions: u64,
    /// Reads and writes of data that missed the first level.
    pub first: u64,
    /// Those that missed the second level, too.
    pub second: u64,
}

impl Totals {
    /// Out of the summary that cachegrind writes at the end.
    #[must_use]
    pub fn parse(summary: &str) -> Option<Self> {
        Some(Self {
            instructions: total(summary, ["I", "refs"])?,
            first: total(summary, ["D1", "misses"])?,
            second: total(summary, ["LLd", "misses"])?,
        })
    }
}

/// The number in the line `==PID== LABEL: NUMBER`, in which commas stand between the thousands.
fn total(summary: &str, label: [&str; 2]) -> Option<u64> {
    summary.lines().find_map(|line| {
        let (_, line) = line.strip_prefix("==")?.split_once("== ")?;
        let (found, numbers) = line.split_once(':')?;
        let number = numbers.split_whitespace().next()?;
        found.split_whitespace().eq(label).then(|| number.replace(',', "").parse().ok())?
    })
}

/// What the program said itself, between what valgrind did.
fn own_words(said: &str) -> String {
    let is_own =
        |line: &&str| !line.is_empty() && !line.starts_with("==") && !line.starts_with("--");
    said.lines().filter(is_own).collect::<Vec<_>>().join("; ")
}

/// A program that is counted; its last argument is the number of operations.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// The arguments before the number of operations.
    pub arguments: Vec<String>,
    /// What the loader puts in front of it.
    pub preloads: Vec<PathBuf>,
}

impl Program {
    /// `LD_PRELOAD`, and what makes the command line and the environment as long as they always are.
    fn environment(&self, operations: &str) -> Result<[(&'static str, String); 2], String> {
        let preloads: Vec<_> = self.preloads.iter().map(|it| it.to_string_lossy()).collect();
        let preloads = preloads.join(":");
        // The path is there twice: as the first argument, and as that of what was started.
        let path = 2 * self.path.as_os_str().len();
        let arguments: usize = self.arguments.iter().map(String::len).sum();
        let length = path + arguments + operations.len() + preloads.len();
        let rest = LENGTH.checked_sub(length);
        let rest = rest.ok_or_else(|| format!("paths of {length} bytes are too long"))?;
        Ok([("LD_PRELOAD", preloads), ("PADDING", "-".repeat(rest))])
    }
}

/// valgrind, as it was found.
#[derive(Clone, Debug)]
pub struct Valgrind {
    path: PathBuf,
    version: String,
}

impl Valgrind {
    /// Looks for it along `PATH`.
    ///
    /// # Errors
    ///
    /// It is not there, or does not start.
    pub fn find() -> Result<Self, String> {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::split_paths(&folders).map(|folder| folder.join("valgrind"));
        let Some(path) = path.into_iter().find(|path| path.is_file()) else {
            return Err("no valgrind in PATH: the counts are cachegrind's, one of its tools".into());
        };
        let version = first_line(&path, "--version")?;
        Ok(Self { path, version })
    }

    /// What it calls itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Counts the instructions of an interpreter that is given a program's file alone; returns what it printed, too.
    ///
    /// # Errors
    ///
    /// It does not start, ends badly, or says nothing that can be understood.
    pub fn instructions(&self, path: &Path, program: &Path) -> Result<(u64, Vec<u8>), String> {
        let mut command = Command::new(&self.path);
        command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
        command.arg(path).arg(program).env_clear().stdin(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!("{}: {}", output.status, own_words(&said)));
        }
        let instructions = total(&said, ["I", "refs"]);
        let instructions = instructions.ok_or_else(|| format!("no summary in\n{said}"))?;
        Ok((instructions, output.stdout))
    }

    /// Counts one run. `None` when the program says that there is no such call.
    ///
    /// # Errors
    ///
    /// It does not start, ends badly, or says nothing that can be understood.
    pub fn run(&self, program: &Program, operations: u64) -> Result<Option<Totals>, String> {
        let operations = operations.to_string();
        let mut command = Command::new(&self.path);
        command.args(["--tool=cachegrind", "--cache-sim=yes", "--cachegrind-out-file=/dev/null"]);
        command.args(CACHES).arg(&program.path).args(&program.arguments).arg(&operations);
        command.env_clear().envs(program.environment(&operations)?);
        command.current_dir(Path::new("/")).stdin(Stdio::null());
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(ABSENT) {
            return Ok(None);
        }
        // The loader goes on without a library that it cannot load.
        if !output.status.success() || said.contains("cannot be preloaded") {
            return Err(format!("{}: {}", output.status, own_words(&said)));
        }
        Totals::parse(&said).map(Some).ok_or_else(|| format!("no summary in\n{said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
--7-- warning: L3 cache found, using its data for the LL simulation.
==7== 
==7== I   refs:      24,594,889
==7== I1  misses:         2,051
==7== LLi misses:         1,949
==7== I1  miss rate:       0.01%
==7== 
==7== D   refs:       8,769,945  (6,571,065 rd   + 2,198,880 wr)
==7== D1  misses:       371,546  (   87,115 rd   +   284,431 wr)
==7== LLd misses:           219  (      156 rd   +        63 wr)
==7== D1  miss rate:        4.2% (      1.3%     +      12.9%  )
==7== LLd miss rate:        0.4% (      0.1%     +       1.3%  )
==7== 
==7== LL refs:          374,260  (   89,563 rd   +   284,697 wr)
==7== LL misses:         34,862  (    5,496 rd   +    29,366 wr)
";

    #[test]
    fn a_summary_is_understood() {
        let expected = Totals { instructions: 24_594_889, first: 371_546, second: 219 };
        assert_eq!(Totals::parse(SUMMARY), Some(expected));
    }

    #[test]
    fn what_the_program_says_is_told_apart() {
        let said = SUMMARY.replace("==7== I1  misses", "\nno memory\n==7== I1  misses");
        assert_eq!(own_words(&said), "no memory");
        assert_eq!(own_words(SUMMARY), "");
    }

    #[test]
    fn newer_ones_leave_spaces_out() {
        let summary = SUMMARY.replace("I   refs:      ", "I refs:        ");
        assert_eq!(Totals::parse(&summary), Totals::parse(SUMMARY));
    }

    #[test]
    fn half_a_summary_is_none() {
        for label in ["I   refs", "D1  misses", "LLd misses"] {
            let half: Vec<_> = SUMMARY.lines().filter(|line| !line.contains(label)).collect();
            assert_eq!(Totals::parse(&half.join("\n")), None, "{label}");
        }
        assert_eq!(Totals::parse(&SUMMARY.replace("24,594,889", "many")), None);
        assert_eq!(Totals::parse(""), None);
    }

    /// How long the strings are that the kernel puts above the stack, without their ends.
    fn length(program: &Program, operations: &str) -> usize {
        let environment = program.environment(operations).unwrap();
        let strings: usize = environment.iter().map(|(_, value)| value.len()).sum();
        let arguments: usize = program.arguments.iter().map(String::len).sum();
        2 * program.path.as_os_str().len() + arguments + operations.len() + strings
    }

    #[test]
    fn every_command_line_and_environment_is_as_long() {
        let arguments = vec!["pair".to_owned()];
        let mut program = Program { path: "/a/calls".into(), arguments, preloads: Vec::new() };
        assert_eq!(length(&program, "256000"), LENGTH);
        assert_eq!(length(&program, "1280000"), LENGTH);
        program.preloads = vec!["/lib/one.so".into(), "/lib/two.so".into()];
        program.path = "/a/much/longer/path/to/calls".into();
        assert_eq!(program.environment("9").unwrap()[0].1, "/lib/one.so:/lib/two.so");
        assert_eq!(length(&program, "256000"), LENGTH);
        program.path = "long".repeat(LENGTH).into();
        assert!(program.environment("256000").is_err());
    }
}
