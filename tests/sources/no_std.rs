//! famalloc without the standard library: the package `tests/bare`, which is built by itself here,
//! because this build has the feature `std`.

#![cfg(not(miri))]

#[path = "../common/cargo.rs"]
mod cargo;

use std::path::PathBuf;
use std::process::Command;

const PACKAGE: &str = "famalloc-bare";

fn assert_succeeds(arguments: &[&str]) -> String {
    cargo::assert_succeeds(PACKAGE, arguments)
}

fn assert_fails(arguments: &[&str]) -> String {
    cargo::assert_fails(PACKAGE, arguments)
}

/// With a panic handler of its own the package compiles only where nothing brings the standard
/// library's.
#[test]
fn core_is_enough() {
    assert_succeeds(&["check", "--lib", "--features", "handler"]);
    let said = assert_fails(&["check", "--lib", "--features", "handler,famalloc/std"]);
    assert!(said.contains("E0152"), "{said}");
}

#[test]
fn it_behaves() {
    let said = assert_succeeds(&["test"]);
    let passed = said.matches("test result: ok. ").count();
    assert!(passed >= 3 && said.contains("a_double_free_is_noticed_at_once ... ok"), "{said}");
    assert!(said.contains("the global allocator did its work"), "{said}");
}

#[test]
fn a_set_without_a_source_is_told_what_to_write() {
    let said = assert_fails(&["check", "--lib", "--features", "sourceless"]);
    assert!(said.contains("write `#[alloc_family(source = PAGES)]`"), "{said}");
    assert!(said.contains("--> tests/bare/src/lib.rs"), "it points elsewhere: {said}");
    assert_eq!(said.matches("\nerror").count(), 2, "more than one error and the summary: {said}");
}

fn folder_of_toolchain() -> PathBuf {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).args(["--print", "sysroot"]).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Machines without an operating system, as far as the toolchain has them: `rustup target add` gets
/// them. They have no standard library that could be used.
#[test]
fn it_builds_for_machines_without_an_operating_system() {
    for target in ["x86_64-unknown-none", "aarch64-unknown-none"] {
        let library = folder_of_toolchain().join("lib/rustlib").join(target).join("lib");
        if library.is_dir() {
            assert_succeeds(&["build", "--lib", "--features", "handler", "--target", target]);
        } else {
            eprintln!("not built for {target}, which this toolchain does not have");
        }
    }
}
