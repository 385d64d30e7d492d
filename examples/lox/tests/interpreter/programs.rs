//! The programs that come with the interpreter print what is written beside them.

use std::path::{Path, PathBuf};

use crate::common::{Ran, lox};

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs");
    let mut found = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lox"))
        .collect::<Vec<_>>();
    found.sort();
    found
}

fn expected(program: &Path) -> Ran {
    let stdout = std::fs::read_to_string(program.with_extension("expected"))
        .expect("what the program prints is beside it");
    Ran { stdout, stderr: String::new(), code: 0 }
}

#[test]
fn all_print_what_is_expected() {
    let programs = programs();
    let names = programs.iter().map(|path| path.file_stem().unwrap().to_str().unwrap());
    assert!(names.eq([
        "binary_trees",
        "closure_counter",
        "method_calls",
        "nbody",
        "strings",
        "tour"
    ]));
    for program in programs {
        assert_eq!(lox([&program], b""), expected(&program), "{}", program.display());
    }
}

#[test]
fn collecting_all_the_time_changes_nothing() {
    let tour = programs().pop().expect("there are programs");
    let ran = lox(["--gc-stress".as_ref(), tour.as_os_str()], b"");
    assert_eq!(ran, expected(&tour));
}
