//! The library under test, built once for each process in the profile of the tests.

#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The shared library under test.
pub(crate) fn library() -> PathBuf {
    match env::var_os("FAMALLOC_TEST_LIBRARY") {
        Some(other) => PathBuf::from(other),
        None => built().join("libfamalloc.so"),
    }
}

/// The library to link programs with that use no shared ones.
pub(crate) fn archive() -> PathBuf {
    library().with_extension("a")
}

fn built() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp lies in target");
        let release = !cfg!(debug_assertions);
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
        cargo.args(["build", "--quiet", "-p", "libfamalloc", "--target-dir"]).arg(target);
        if release {
            cargo.arg("--release");
        }
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let output = cargo.output().expect("cargo runs");
        assert!(
            output.status.success(),
            "libfamalloc does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        target.join(if release { "release" } else { "debug" })
    })
}
