//! The shell and its tools, version control, and a database in a file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{assert_served, compare, has, log_bindings, prepare};

#[test]
fn bash_tar_gzip_sort() {
    let needs =
        ["bash", "tar", "gzip", "sort", "awk", "sed", "grep", "find", "xargs", "diff", "sha256sum"];
    if !has(&needs) {
        return;
    }
    const SCRIPT: &str = include_str!("scripts/shell.sh");
    assert_served(
        "shell",
        &["bash", "tar", "gzip", "sort", "sed", "grep", "find", "xargs"],
        |trial| {
            trial.write("shell.sh", SCRIPT);
            let mut command = trial.command("bash", &["shell.sh"]);
            log_bindings(trial, &mut command);
            trial.run(command);
        },
    );
    compare("shell", |trial| {
        trial.write("shell.sh", SCRIPT);
        trial.step("bash", &["shell.sh"]);
        for file in ["sorted", "tree.tar", "tree.tar.gz"] {
            trial.record_file(file);
        }
    });
}

#[test]
fn make() {
    if !has(&["make", "sort", "seq", "expr"]) {
        return;
    }
    const MAKEFILE: &str = include_str!("scripts/Makefile");
    assert_served("make", &["make"], |trial| {
        trial.write("Makefile", MAKEFILE);
        let mut command = trial.command("make", &["-j2"]);
        log_bindings(trial, &mut command);
        trial.run(command);
    });
    compare("make", |trial| {
        trial.write("Makefile", MAKEFILE);
        trial.step("make", &["-j2"]);
        trial.record_file("made/whole");
        trial.step("make", &["-j2"]);
    });
}

#[test]
fn sqlite() {
    if !has(&["sqlite3"]) {
        return;
    }
    const SCRIPT: &str = include_str!("scripts/tables.sql");
    assert_served("sqlite", &["libsqlite3.so.0"], |trial| {
        let mut command = trial.command("sqlite3", &["served.db", "SELECT hex(zeroblob(5000))"]);
        log_bindings(trial, &mut command);
        trial.run(command);
    });
    compare("sqlite", |trial| {
        trial.write("tables.sql", SCRIPT);
        trial.step("sqlite3", &["-bail", "tables.db", ".read tables.sql"]);
        trial.record_file("tables.db");
        trial.record_file("packed.db");
        trial.step(
            "sqlite3",
            &["-bail", "packed.db", "PRAGMA integrity_check; SELECT count(*) FROM item;"],
        );
    });
}

/// Git with nobody's settings: the clone's source may belong to somebody else, and a pack that several
/// threads make is not the same each time.
const GIT_CONFIG: &str = "[user]\nname = N\nemail = n@example.org\n[pack]\nthreads = 1\n\
    [index]\nthreads = 1\n[safe]\ndirectory = *\n[gc]\nauto = 0\n[maintenance]\nauto = false\n\
    [init]\ndefaultBranch = main\n[advice]\ndetachedHead = false\n[protocol \"file\"]\nallow = always\n";

/// A bare copy of this repository, which nobody commits to meanwhile; without history where the sources
/// came without it. It has one branch, `main`.
fn copy_of_this_repository() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = prepare("git-source", |trial| {
        trial.write(".gitconfig", GIT_CONFIG);
        let script = include_str!("scripts/copy.sh");
        let mut command = trial.command("bash", &["-c", script, "copy", source.to_str().unwrap()]);
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        trial.run(command);
    });
    folder.join("copy.git")
}

#[test]
fn git() {
    if !has(&["git", "bash", "tar", "find"]) {
        return;
    }
    let source = copy_of_this_repository();
    let source = source.to_str().unwrap();
    assert_served("git", &["git"], |trial| {
        trial.write(".gitconfig", GIT_CONFIG);
        let mut command = trial.command("git", &["clone", "--quiet", "--no-local", source, "work"]);
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        log_bindings(trial, &mut command);
        trial.run(command);
    });
    compare("git", |trial| {
        trial.write(".gitconfig", GIT_CONFIG);
        trial.write("git.sh", include_str!("scripts/git.sh"));
        let mut command = trial.command("bash", &["git.sh", source]);
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        let finished = trial.run(command);
        trial.record("the output of git", &finished.stdout);
        trial.record("the errors of git", &finished.stderr);
        trial.record_file("all.bundle");
        let packs = fs::read_dir(trial.folder.join("work/.git/objects/pack")).unwrap();
        let mut packs: Vec<_> = packs.map(|entry| entry.unwrap().file_name()).collect();
        packs.sort();
        for pack in packs {
            trial.record_file(&format!("work/.git/objects/pack/{}", pack.to_str().unwrap()));
        }
    });
}
