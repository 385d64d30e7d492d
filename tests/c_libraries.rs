//! famalloc over the C library of this machine and over musl's, as far as the toolchain has it (`rustup
//! target add` gets it): the package `tests/static`, which is built by itself here.

#![cfg(all(target_os = "linux", not(miri)))]

use std::path::{Path, PathBuf};
use std::process::Command;

fn assert_runs(target: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Flags for this build, a sanitizer's for instance, are not for that one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
    command.env("CARGO_TERM_COLOR", "never");
    command.args(["run", "--package", "famalloc-static", "--offline", "--target-dir"]);
    command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("static")).args(target);
    let output = command.output().unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{target:?}: {}\n{said}{errors}", output.status);
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn this_machines() {
    assert_runs(&[]);
}

#[test]
fn musl() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).args(["--print", "sysroot"]).output().unwrap();
    let toolchain = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    if toolchain.join("lib/rustlib").join(&target).join("lib").is_dir() {
        assert_runs(&["--target", &target]);
    } else {
        eprintln!("not run for {target}, which this toolchain does not have");
    }
}
