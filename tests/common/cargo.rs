//! Cargo on packages that are built by themselves, in a build folder that they share. What they need was
//! fetched for this very test, so no network is asked.

use std::path::Path;
use std::process::{Command, Output};

/// Runs cargo on the package alone.
fn cargo(package: &str, arguments: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(["--package", package, "--offline", "--target-dir"]);
    command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Flags for this build, a sanitizer's for instance, are not for that one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(variable);
    }
    let output = command.env("CARGO_TERM_COLOR", "never").output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output, said)
}

pub(crate) fn assert_succeeds(package: &str, arguments: &[&str]) -> String {
    let (output, said) = cargo(package, arguments);
    assert!(output.status.success(), "cargo {}:\n{said}", arguments.join(" "));
    said
}

#[allow(dead_code, reason = "not every package has to fail")]
pub(crate) fn assert_fails(package: &str, arguments: &[&str]) -> String {
    let (output, said) = cargo(package, arguments);
    assert!(!output.status.success(), "cargo {} succeeded:\n{said}", arguments.join(" "));
    said
}
