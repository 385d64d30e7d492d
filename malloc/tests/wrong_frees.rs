//! Errors of programs, a small one for each (`tests/c/wrong_frees.cpp`): which the library notices, and when.
//!
//! Another library is tried with `FAMALLOC_TEST_LIBRARY`, and the C library's malloc with an empty one; then
//! nothing is expected, and the sum is printed. Of these, glibc 2.36 notices 46 of 62.

#![cfg(target_os = "linux")]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Ended, Program, library, own, run, run_command};

/// When an error was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Noticed {
    /// Before the program went on.
    AtOnce,
    /// Later, at its end at the latest.
    ByTheEnd,
    /// Not at all.
    Never,
}

fn noticed(ended: &Ended) -> Noticed {
    match (ended.status.signal(), ended.out.contains("past")) {
        (Some(_), false) => Noticed::AtOnce,
        (Some(_), true) => Noticed::ByTheEnd,
        (None, _) => Noticed::Never,
    }
}

/// All errors, and what is expected.
fn errors(program: &Path) -> Vec<(String, String)> {
    let listed = run(program, &["list".as_ref()], None);
    listed.well();
    let split = |line: &str| {
        let (name, expected) = line.split_once(' ').expect("two words");
        (name.to_owned(), expected.to_owned())
    };
    listed.out.lines().map(split).collect()
}

fn program() -> PathBuf {
    // The compiler sees some of the errors.
    let flags = &["-fsized-deallocation", "-Wno-all"];
    Program { flags, ..Program::new("wrong_frees.cpp") }.compile()
}

#[test]
fn errors_are_noticed() {
    let program = program();
    let (mut count, mut at_once, mut by_the_end) = (0, 0, 0);
    for (name, expected) in errors(&program) {
        let ended = run(&program, &[name.as_ref()], Some(&library()));
        let found = noticed(&ended);
        println!("{name}: {found:?}: {}", ended.err.lines().next().unwrap_or_default());
        count += 1;
        at_once += usize::from(found == Noticed::AtOnce);
        by_the_end += usize::from(found == Noticed::ByTheEnd);
        if !own() {
            continue;
        }
        let (latest, ours) = match expected.as_str() {
            "at_once" => (Noticed::AtOnce, true),
            "by_the_end" => (Noticed::ByTheEnd, true),
            "by_the_next" => (Noticed::AtOnce, false),
            _ => (Noticed::Never, false),
        };
        assert!(found <= latest, "{name}: {found:?}, not {expected}: {}", ended.err);
        assert!(!ours || ended.err.starts_with("famalloc: "), "{name}: {}", ended.err);
        // What is said to be noticed late or never is not sooner, as the library is shipped; or the list is
        // to be mended.
        assert!(cfg!(debug_assertions) || found == latest, "{name}: {found:?}, not {expected}");
    }
    println!("noticed {} of {count}, at once {at_once}", at_once + by_the_end);
    assert!(count >= 60, "only {count}");
}

/// The look at the end can be left out.
#[test]
fn the_end_is_quiet_where_that_is_wanted() {
    if !own() || cfg!(debug_assertions) {
        return;
    }
    let program = program();
    for (value, expected) in [("off", Noticed::Never), ("on", Noticed::ByTheEnd)] {
        let mut command = Command::new(&program);
        command.arg("twice_after_1").env("FAMALLOC_CHECK_AT_EXIT", value);
        let ended = run_command(command, &program, Some(&library()));
        assert_eq!(noticed(&ended), expected, "{value}: {}", ended.err);
    }
    let mut command = Command::new(&program);
    command.arg("list").env("FAMALLOC_CHECK_AT_EXIT", "maybe");
    let ended = run_command(command, &program, Some(&library()));
    ended.well();
    let line = "famalloc: FAMALLOC_CHECK_AT_EXIT=\"maybe\" is ignored: expected on or off\n";
    assert_eq!(ended.err, line);
}
