//! Interpreters: a script for each, and of Python its own test suite.

use std::path::Path;
use std::process::Command;

use crate::harness::{Trial, assert_served, compare, find, has, leave_out, log_bindings};

/// Runs a script twice and compares, after a look at whom the interpreter has its memory from.
fn script(interpreter: &str, name: &str, text: &str) {
    if !has(&[interpreter]) {
        return;
    }
    let arguments = |trial: &Trial| {
        trial.write(name, text);
        [name.to_owned()]
    };
    assert_served(interpreter, &[interpreter], |trial| {
        let mut command = trial.command(interpreter, &arguments(trial));
        log_bindings(trial, &mut command);
        trial.run(command);
    });
    compare(interpreter, |trial| {
        trial.step(interpreter, &arguments(trial));
    });
}

#[test]
fn perl() {
    script("perl", "containers.pl", include_str!("scripts/containers.pl"));
}

#[test]
fn node() {
    script("node", "containers.js", include_str!("scripts/containers.js"));
}

/// Ruby is nobody's duty to install.
#[test]
fn ruby() {
    if find("ruby").is_none() {
        println!("left out: this machine has no ruby");
        return;
    }
    script("ruby", "containers.rb", include_str!("scripts/containers.rb"));
}

/// Finds the interpreter itself, where `python3` is a script that chooses one by the user's settings;
/// the one with its test suite where several are on the machine.
fn python() -> Option<String> {
    let ask = "import sys, test.test_dict, test.libregrtest, ctypes; print(sys.executable)";
    let candidates = [find("python3"), Some("/usr/bin/python3".into())];
    candidates.into_iter().flatten().find_map(|path| {
        let output = Command::new(path).args(["-c", ask]).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    })
}

/// The outcome of each test, from the suite's own report: a line `name: passed|failure|error|skipped`.
/// Times are left out, and the order, which newer versions choose by chance.
fn outcomes(report: &str) -> String {
    let mut lines: Vec<_> = (report.split("<testcase ").skip(1))
        .map(|case| {
            let name = case.split("name=\"").nth(1).and_then(|rest| rest.split('"').next());
            let bad = |what: &&&str| case.contains(&format!("<{what}"));
            let outcome = ["failure", "error", "skipped"].iter().find(bad).unwrap_or(&"passed");
            format!("{}: {outcome}\n", name.unwrap())
        })
        .collect();
    lines.sort();
    lines.concat()
}

/// Modules of Python's own test suite; `allocator` is what serves its objects. A test may fail, where
/// the machine has its ways, but then it fails with both. Tests that look at the clock are left out.
fn python_suite(name: &str, allocator: Option<&str>, modules: &[&str]) {
    let Some(python) = python() else { return leave_out("python3 with its test suite") };
    compare(name, |trial| {
        let mut command =
            trial.command("env", &[&*python, "-m", "test", "--junit-xml", "report.xml"]);
        for pattern in ["*timeout*", "*notify*", "*nondaemon_on_shutdown*"] {
            command.args(["--ignore", pattern]);
        }
        command.args(modules).env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
        command.envs(allocator.map(|allocator| ("PYTHONMALLOC", allocator)));
        // The suite leaves with 2 when a test failed: the report tells which.
        let finished = trial.start(command).finish();
        let code = finished.status.code();
        let report = String::from_utf8_lossy(&trial.read("report.xml")).into_owned();
        let outcomes = outcomes(&report);
        let count = outcomes.lines().count();
        assert!(count > 150, "{count} tests, status {}:\n{}", finished.status, finished.text());
        trial.record("the status of the suite", format!("{code:?}").as_bytes());
        trial.record("the outcomes", outcomes.as_bytes());
    });
}

/// Every object of Python's has a block of its own.
#[test]
fn python_suite_on_malloc() {
    python_suite(
        "python-malloc",
        Some("malloc"),
        &["test_dict", "test_list", "test_ctypes", "test_threading"],
    );
}

/// The same with Python's checks around each block, which notice a changed byte before and behind it.
#[test]
fn python_suite_on_checked_malloc() {
    python_suite("python-checked", Some("malloc_debug"), &["test_dict", "test_list", "test_bytes"]);
}

/// By its own habit Python serves small objects itself, and asks for the large ones only.
#[test]
fn python_suite_on_its_own_arenas() {
    python_suite("python-arenas", None, &["test_dict", "test_list", "test_ctypes", "test_json"]);
}

#[test]
fn python_script() {
    let Some(python) = python() else { return leave_out("python3 with its test suite") };
    const SOURCE: &str = include_str!("scripts/containers.py");
    let file = Path::new(&python);
    let run = |trial: &Trial| {
        trial.write("containers.py", SOURCE);
        let mut command = trial.command("env", &[&*python, "-I", "containers.py"]);
        command.env("PYTHONMALLOC", "malloc");
        command
    };
    assert_served("python", &[file.file_name().unwrap().to_str().unwrap()], |trial| {
        let mut command = run(trial);
        log_bindings(trial, &mut command);
        trial.run(command);
    });
    compare("python", |trial| {
        let finished = trial.run(run(trial));
        trial.record("the script's output", &finished.stdout);
        trial.record("the script's errors", &finished.stderr);
    });
}
