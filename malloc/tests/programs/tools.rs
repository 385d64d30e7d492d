//! The shell and its tools, version control, and a database in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{assert_served, compare, has, log_bindings};

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
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs").join("git-source");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join(".gitconfig"), GIT_CONFIG).unwrap();
    let script = r#"
        set -eu
        git init --quiet --bare copy.git
        if git -C "$1" rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
            if [ "$(git -C "$1" rev-parse --is-shallow-repository)" = true ]; then
                git clone --quiet --no-local --bare "$1" whole.git
                git -C whole.git archive HEAD | (mkdir tree && tar -xf - -C tree)
            else
                git -C copy.git fetch --quiet "$1" HEAD:refs/heads/main
                exit
            fi
        else
            mkdir tree
            (cd "$1" && tar -cf - --exclude=./target .) | tar -xf - -C tree
        fi
        # History of our own: the files of `src` come one by one, and then the rest.
        export GIT_DIR="$PWD/copy.git" GIT_WORK_TREE="$PWD/tree"
        export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
        cd tree
        git config core.bare false
        git add README.md Cargo.toml src/lib.rs && git commit --quiet -m 'The first files'
        find src -name '*.rs' | sort | while read -r file; do
            git add "$file" && git commit --quiet --allow-empty -m "With $file"
        done
        git add -A && git commit --quiet -m 'All the rest'
    "#;
    let output = Command::new("bash")
        .args(["-c", script, "copy"])
        .arg(source)
        .current_dir(&home)
        .env("HOME", &home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no copy of the repository:\n{said}");
    home.join("copy.git")
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
