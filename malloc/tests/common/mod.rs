//! What the tests of the C library share: the library itself.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library that is tested, built when the first test of the process asks: `libfamalloc.so` in this
/// test's own profile. `FAMALLOC_TEST_LIBRARY` names another allocator's instead; when it is empty there
/// is none, and what a test compares with the plain allocator is the plain allocator.
pub(crate) fn library() -> Option<PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(find).clone()
}

fn find() -> Option<PathBuf> {
    let library = match env::var_os("FAMALLOC_TEST_LIBRARY") {
        Some(none) if none.is_empty() => return None,
        Some(other) => PathBuf::from(other),
        None => build(),
    };
    assert!(library.is_absolute(), "the loader needs an absolute path, not {}", library.display());
    assert!(library.is_file(), "there is no {}", library.display());
    Some(library)
}

/// A test lies in `<target>/<profile>/deps`, and the library comes to lie in `<target>/<profile>`.
fn build() -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let profile = match folder.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "libfamalloc", "--profile", profile])
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the library does not build:\n{said}");
    folder.join("libfamalloc.so")
}
