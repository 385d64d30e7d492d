//! Running programs twice, and comparing.
//!
//! Both runs of a trial have the same folder (it is moved away after each), the same small environment
//! and the same input, so that nothing differs but the allocator. A child that takes too long is killed
//! with everything that it started.
//!
//! Two checks tell that the library did the work. The loader's own log of what it bound to what
//! ([`assert_served`]) must show that each process took its functions of memory from the library and from
//! nowhere else; and no run may print that something could not be preloaded.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, panic, thread};

use crate::common;

/// Longer than any of these programs takes on a busy machine with a library that checks everything.
const PATIENCE: Duration = Duration::from_secs(300);

/// The functions that a program may take from the library alone. (Not all allocators have a
/// `reallocarray`; the C library's own leads to `realloc`.)
const OF_MEMORY: &[&str] = &[
    "malloc",
    "calloc",
    "realloc",
    "free",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
];

/// Where a program lies, or nothing when the machine lacks it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let found = |path: &PathBuf| {
        path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(found)
}

/// Says that a test is left out for want of something, or fails where nothing may be wanting.
pub(crate) fn leave_out(lacking: &str) {
    assert!(env::var_os("CI").is_none(), "this machine has no {lacking}, and CI is set");
    println!("left out: this machine has no {lacking}");
}

/// Whether the machine has them all.
pub(crate) fn has(programs: &[&str]) -> bool {
    let lacking: Vec<_> = programs.iter().copied().filter(|name| find(name).is_none()).collect();
    if !lacking.is_empty() {
        leave_out(&lacking.join(", "));
    }
    lacking.is_empty()
}

/// What a program left behind.
pub(crate) struct Finished {
    pub(crate) what: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Finished {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    fn told(&self) -> String {
        let (out, err) = (tail(&self.stdout), tail(&self.stderr));
        format!("{}\n-- {}\n-- stdout:\n{out}\n-- stderr:\n{err}", self.what, self.status)
    }
}

/// The end of what a program printed, where it says why it died.
fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4000)..]).into_owned()
}

/// One of the two runs.
pub(crate) struct Trial {
    pub(crate) folder: PathBuf,
    library: Option<PathBuf>,
    /// What was seen, in order, to be compared.
    record: RefCell<Vec<(String, Vec<u8>)>>,
}

impl Trial {
    /// A command in the trial's folder, with an environment that depends on nobody's habits.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Command {
        let path = find(program).unwrap_or_else(|| panic!("there is no {program}"));
        let mut command = Command::new(path);
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("PATH", env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.folder).env("TMPDIR", &self.folder);
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        if let Some(library) = &self.library {
            command.env("LD_PRELOAD", library);
        }
        command
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.folder.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Starts a command, which leads a process group of its own; its output goes into files, so that
    /// nothing waits for a reader.
    pub(crate) fn start(&self, mut command: Command) -> Running {
        let what = format!("[{}] {command:?}", self.name());
        let streams = ["stdout", "stderr"].map(|stream| {
            let folder = self.folder.with_extension("streams");
            fs::create_dir_all(&folder).unwrap();
            folder.join(format!("{}.{stream}", fs::read_dir(&folder).unwrap().count()))
        });
        let [stdout, stderr] = streams.each_ref().map(|path| File::create(path).unwrap());
        command.stdout(stdout).stderr(stderr).process_group(0);
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
        Running { what, child, streams, deadline: Instant::now() + PATIENCE, over: false }
    }

    /// Runs a command to its end, which must be a good one.
    pub(crate) fn run(&self, command: Command) -> Finished {
        let finished = self.start(command).finish();
        assert!(finished.status.success(), "{}", finished.told());
        finished
    }

    /// Runs a command, and records what it printed for the comparison.
    pub(crate) fn step<S: AsRef<OsStr>>(&self, program: &str, arguments: &[S]) -> Finished {
        let finished = self.run(self.command(program, arguments));
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        let what = format!("{program} {}", words.join(" "));
        self.record(&format!("the output of {what}"), &finished.stdout);
        self.record(&format!("the errors of {what}"), &finished.stderr);
        finished
    }

    pub(crate) fn record(&self, what: &str, bytes: &[u8]) {
        self.record.borrow_mut().push((what.to_owned(), bytes.to_owned()));
    }

    pub(crate) fn record_file(&self, name: &str) {
        self.record(&format!("the file {name}"), &self.read(name));
    }

    fn name(&self) -> &'static str {
        if self.library.is_some() { "with the library" } else { "plain" }
    }
}

/// A program that runs. Dropped, it is killed with all that it started.
pub(crate) struct Running {
    what: String,
    child: Child,
    streams: [PathBuf; 2],
    deadline: Instant,
    over: bool,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.over = self.over || self.child.try_wait().unwrap().is_some();
        self.over
    }

    /// Waits for the end, but not forever.
    pub(crate) fn finish(mut self) -> Finished {
        let mut pause = Duration::from_millis(1);
        while !self.is_over() {
            if Instant::now() > self.deadline {
                self.kill();
                panic!("killed after {} s: {}", PATIENCE.as_secs(), self.so_far().told());
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        let finished = self.so_far();
        let complaint = String::from_utf8_lossy(&finished.stderr);
        assert!(!complaint.contains("cannot be preloaded"), "{}", finished.told());
        finished
    }

    /// What it printed until now; its status must be known.
    fn so_far(&mut self) -> Finished {
        let [stdout, stderr] = self.streams.each_ref().map(|path| fs::read(path).unwrap());
        let status = self.child.wait().unwrap();
        Finished { what: self.what.clone(), status, stdout, stderr }
    }

    fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
            if thread::panicking() {
                eprintln!("{}", self.so_far().told());
            }
        }
    }
}

/// Runs `steps` with the plain allocator and with the library, and compares what they recorded.
pub(crate) fn compare(name: &str, steps: impl Fn(&Trial)) {
    let plain = run(name, None, &steps);
    let loaded = run(name, common::preloaded(), &steps);
    assert!(!plain.is_empty(), "{name} recorded nothing to compare");
    let names = |record: &[(String, Vec<u8>)]| -> Vec<_> {
        record.iter().map(|(what, _)| what.clone()).collect()
    };
    assert_eq!(names(&plain), names(&loaded), "not the same steps in {name}");
    for ((what, plain), (_, loaded)) in plain.iter().zip(&loaded) {
        if plain != loaded {
            panic!("{name}: {what} is not the same.\n{}", difference(plain, loaded));
        }
    }
    remove(name);
}

/// Runs `steps` with the plain allocator alone, and gives the folder that they filled.
pub(crate) fn prepare(name: &str, steps: impl Fn(&Trial)) -> PathBuf {
    run(name, None, &steps);
    home(name).join("plain")
}

/// Runs `steps` with the library and asks the loader what it bound, in each process that wrote a log:
/// the functions of memory must come from the library. `files` are the names of executables and shared
/// objects that must have been among those that took them.
pub(crate) fn assert_served(name: &str, files: &[&str], steps: impl Fn(&Trial)) {
    let Some(library) = common::preloaded() else { return };
    let name = &format!("{name}-served");
    run(name, Some(library.clone()), &|trial: &Trial| {
        steps(trial);
        let mut served = BTreeSet::new();
        for entry in fs::read_dir(&trial.folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_stem().is_some_and(|stem| stem == "bindings") {
                let log = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                served.extend(files_served(&log, library.to_str().unwrap()));
            }
        }
        for file in files {
            let is_it = |path: &String| Path::new(path).file_name() == Some(OsStr::new(file));
            assert!(served.iter().any(is_it), "the library did not serve {file}, only {served:?}");
        }
    });
    remove(name);
}

/// Makes the loader write down, in the trial's folder, what it binds to what: all of it at the start of
/// a process, whether it is ever called or not.
pub(crate) fn log_bindings(trial: &Trial, command: &mut Command) {
    command.env("LD_DEBUG", "bindings").env("LD_DEBUG_OUTPUT", trial.folder.join("bindings"));
    command.env("LD_BIND_NOW", "1");
}

/// The files that have functions of memory from the library, and none from elsewhere. A line of the log
/// reads ``123: binding file A [0] to B [0]: normal symbol `malloc' [VERSION]``.
///
/// Two detours lead to the library all the same: a program whose code cannot be moved gives out the
/// address of its own jump to the function, and a program may have C++'s operators linked in, which call
/// `malloc`.
fn files_served(log: &str, library: &str) -> BTreeSet<String> {
    let bindings: Vec<_> = (log.lines())
        .filter_map(|line| {
            let (files, symbol) = line.split_once("binding file ")?.1.split_once("symbol `")?;
            let (from, to) = files.split_once(" to ")?;
            let [from, to] = [from, to].map(|file| file.split(" [").next().unwrap_or(file));
            Some((from, to, symbol.split('\'').next()?))
        })
        // The library asks for the next allocator's functions, for memory that is not its own.
        .filter(|(from, ..)| *from != library)
        .collect();
    let operator = |symbol: &str| {
        ["_Znw", "_Zna", "_Zdl", "_Zda"].iter().any(|prefix| symbol.starts_with(prefix))
    };
    let mut served = BTreeSet::new();
    for (from, to, symbol) in &bindings {
        if OF_MEMORY.contains(symbol) || operator(symbol) {
            let handed_on = bindings.contains(&(to, library, symbol));
            let own = operator(symbol) && bindings.contains(&(to, library, "malloc"));
            let good = *to == library || handed_on || own;
            assert!(good, "{from} has {symbol} from {to}, not from {library}");
            served.insert((*from).to_owned());
        }
    }
    assert!(
        !served.is_empty(),
        "a process without any function of memory:\n{}",
        tail(log.as_bytes())
    );
    served
}

/// A folder's path is part of what some programs write, so both runs have the same.
fn run(name: &str, library: Option<PathBuf>, steps: &impl Fn(&Trial)) -> Vec<(String, Vec<u8>)> {
    let kind = if library.is_some() { "loaded" } else { "plain" };
    let home = home(name);
    let folder = home.join("here");
    let kept = home.join(kind);
    for old in [&folder, &folder.with_extension("streams"), &kept] {
        let _ = fs::remove_dir_all(old);
    }
    fs::create_dir_all(&folder).unwrap();
    let trial = Trial { folder, library, record: RefCell::default() };
    steps(&trial);
    let _ = fs::remove_dir_all(trial.folder.with_extension("streams"));
    fs::rename(&trial.folder, kept).unwrap();
    trial.record.into_inner()
}

/// The folder of a test. It stays when the test fails.
fn home(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs").join(name)
}

fn remove(name: &str) {
    let _ = fs::remove_dir_all(home(name));
}

/// Where two byte strings part, as far as a reader can use it.
fn difference(plain: &[u8], loaded: &[u8]) -> String {
    let at = plain.iter().zip(loaded).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let from = at.saturating_sub(100);
        let part = &bytes[from..bytes.len().min(at + 200)];
        part.escape_ascii().to_string().replace("\\n", "\n    ")
    };
    format!(
        "They part at byte {at} of {} and {}.\nplain:\n    {}\nwith the library:\n    {}",
        plain.len(),
        loaded.len(),
        around(plain),
        around(loaded)
    )
}
