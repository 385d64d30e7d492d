//! The README's programs compile, without a warning, and run.

#![cfg(not(miri))]

mod common;

use std::fs;
use std::path::Path;

use common::{FOLDER, compiler, linked, run, succeed};

#[test]
fn its_programs_run() {
    let Some(linked) = linked() else { return };
    let text = fs::read_to_string(Path::new(FOLDER).join("README.md")).expect("the README");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut count = 0;
    for (language, standard) in [("c", "-std=gnu11"), ("cpp", "-std=c++17")] {
        for program in text.split(&format!("\n```{language}\n")).skip(1) {
            let program = program.split("\n```").next().expect("a block ends");
            let name = folder.join(format!("readme-{count}"));
            let source = name.with_extension(language);
            fs::write(&source, program).expect("a file");
            succeed(
                compiler(language == "cpp")
                    .args([standard, "-Wall", "-Wextra", "-Werror", "-I", FOLDER, "-o"])
                    .args([&name, &source])
                    .args(&linked),
            );
            let ended = run(&name, &[], None);
            ended.well();
            assert_eq!(ended.err, "", "{program}");
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} programs were found");
}
