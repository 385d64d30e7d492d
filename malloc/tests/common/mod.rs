//! The library under test, and what compiles programs in C and runs them with it.
//!
//! The library is built once for each process, in the profile of the tests. The environment variable
//! `FAMALLOC_TEST_LIBRARY` names another one, to try the tests themselves: a peer's, or one that is
//! wrong on purpose; empty, it stands for the C library alone.

// Each test binary uses a part of it.
#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The name of the variable by which another library is tried.
const OTHER: &str = "FAMALLOC_TEST_LIBRARY";

/// What a program that hangs is given. A test asserts no time; this only ends what would not end.
const LIMIT: Duration = Duration::from_secs(300);

/// The shared library under test; an empty path for the C library's own malloc.
pub(crate) fn library() -> PathBuf {
    match env::var_os(OTHER) {
        Some(other) => PathBuf::from(other),
        None => built().join("libfamalloc.so"),
    }
}

/// The same for who has no use for an empty path.
pub(crate) fn preloaded() -> Option<PathBuf> {
    Some(library()).filter(|library| !library.as_os_str().is_empty())
}

/// The library to link programs with that use no shared ones. Beside the shared one.
pub(crate) fn archive() -> PathBuf {
    library().with_extension("a")
}

/// Whether the library under test is the project's.
pub(crate) fn own() -> bool {
    env::var_os(OTHER).is_none()
}

/// Where a build of `libfamalloc` in this profile lies. Builds it at the first call.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp lies in target");
        let release = !cfg!(debug_assertions);
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
        cargo.args(["build", "--quiet", "-p", "libfamalloc", "--target-dir"]).arg(target);
        if release {
            cargo.arg("--release");
        }
        cargo.current_dir(FOLDER);
        // What cargo set for this test's package is not for the next cargo.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        succeed(&mut cargo);
        target.join(if release { "release" } else { "debug" })
    })
}

/// The folder of the package, where the header lies.
pub(crate) const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// The compiler for C, or for C++.
pub(crate) fn compiler(cpp: bool) -> Command {
    let (variable, usual) = if cpp { ("CXX", "c++") } else { ("CC", "cc") };
    Command::new(env::var_os(variable).unwrap_or(usual.into()))
}

/// Runs a compiler, or cargo, which must succeed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    output
}

/// What the linker has to be told to find the shared library, at once and when the program runs; `None`
/// where the C library's own malloc is tried.
pub(crate) fn linked() -> Option<[OsString; 2]> {
    let library = preloaded()?;
    let mut path = OsString::from("-Wl,-rpath,");
    path.push(library.parent()?);
    Some([library.into(), path])
}

/// What one program is made of, and how it is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// The file below `tests/c`. Its ending says which compiler.
    pub(crate) source: &'a str,
    /// The compiler's flags beyond the usual ones.
    pub(crate) flags: &'a [&'a str],
    /// What the linker gets after the source.
    pub(crate) libraries: &'a [&'a OsStr],
    /// A word by which builds of one source are told apart.
    pub(crate) variant: &'a str,
}

impl<'a> Program<'a> {
    pub(crate) const fn new(source: &'a str) -> Self {
        Self { source, flags: &[], libraries: &[], variant: "" }
    }

    /// The compiled program. Each test has a file of its own, so they may run side by side.
    pub(crate) fn compile(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
        fs::create_dir_all(&folder).expect("a folder for programs");
        let source = Path::new(FOLDER).join("tests/c").join(self.source);
        let name = thread::current().name().unwrap_or("main").replace("::", "-");
        let program =
            folder.join(format!("{name}-{}{}", self.source.replace('.', "-"), self.variant));
        let cpp = self.source.ends_with(".cpp");
        let standard = if cpp { "-std=gnu++17" } else { "-std=gnu11" };
        succeed(
            compiler(cpp)
                .args([standard, "-O1", "-g", "-fno-builtin", "-pthread", "-Wall", "-I", FOLDER])
                .args(self.flags)
                .arg(&source)
                .arg("-o")
                .arg(&program)
                .args(self.libraries)
                .arg("-ldl"),
        );
        program
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// It found nothing to complain of.
    #[track_caller]
    pub(crate) fn well(&self) {
        assert!(
            self.status.success(),
            "{}\n--- standard error\n{}\n--- standard output\n{}",
            self.status,
            self.err,
            self.out
        );
    }

    /// It ended itself by `abort`, and said why.
    #[track_caller]
    pub(crate) fn aborted_with(&self, message: &str) {
        const SIGABRT: i32 = 6;
        assert!(
            self.status.signal() == Some(SIGABRT)
                && !self.err.is_empty()
                && self.err.contains(message),
            "{}, not aborted with a message that has {message:?}\n--- standard error\n{}",
            self.status,
            self.err
        );
    }
}

/// Runs a program with the library in place of the C library's malloc, if `preload` says so.
/// One that does not end is killed, with all that it started.
pub(crate) fn run(program: &Path, arguments: &[&OsStr], preload: Option<&Path>) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments);
    run_command(command, program, preload)
}

/// [`run`] for any command. What it says is kept beside `program` for a while.
pub(crate) fn run_command(mut command: Command, program: &Path, preload: Option<&Path>) -> Ended {
    // A program may run several times at once.
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let said = |what: &str| program.with_extension(format!("{}-{number}.{what}", process::id()));
    let (out, err) = (said("out"), said("err"));
    let create = |path: &Path| File::create(path).expect("a file for what a program says");
    command
        .stdin(Stdio::null())
        // Files, for a pipe would stay open with a child that is left behind.
        .stdout(create(&out))
        .stderr(create(&err))
        .process_group(0);
    if let Some(library) = preload.filter(|library| !library.as_os_str().is_empty()) {
        command.env("LD_PRELOAD", library);
    }
    if own() {
        command.env("FAMALLOC_OWN", "1");
    }
    let mut child = command.spawn().expect("the program starts");
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child to wait for") {
            break Some(status);
        }
        if start.elapsed() > LIMIT {
            break None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    };
    let read = |path: &Path| {
        let said = fs::read(path).unwrap_or_default();
        let _ = fs::remove_file(path);
        String::from_utf8_lossy(&said).into_owned()
    };
    let Some(status) = status else {
        let stacks = stacks(child.id());
        let group = format!("-{}", child.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = child.wait();
        panic!("it hung\n--- standard error\n{}\n--- where\n{stacks}", read(&err));
    };
    Ended { status, out: read(&out), err: read(&err) }
}

/// Where the threads of a process are, if there is a debugger to say so.
fn stacks(process: u32) -> String {
    let process = process.to_string();
    Command::new("gdb")
        .args(["-p", &process, "-batch", "-ex", "thread apply all bt 12"])
        .stdin(Stdio::null())
        .output()
        .map_or_else(
            |_| String::from("(no debugger)"),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
}
