//! The README's programs compile, without a warning, and run.

#![cfg(not(miri))]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn its_programs_run() {
    let text = fs::read_to_string(Path::new(FOLDER).join("README.md")).expect("the README");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = common::library();
    let path = format!("-Wl,-rpath,{}", library.parent().expect("a folder").display());
    let mut count = 0;
    for (language, compiler, standard) in [("c", "cc", "-std=gnu11"), ("cpp", "c++", "-std=c++17")]
    {
        for program in text.split(&format!("\n```{language}\n")).skip(1) {
            let program = program.split("\n```").next().expect("a block ends");
            let name = folder.join(format!("readme-{count}"));
            let source = name.with_extension(language);
            fs::write(&source, program).expect("a file");
            let compiled = Command::new(compiler)
                .args([standard, "-Wall", "-Wextra", "-Werror", "-I", FOLDER, "-o"])
                .args([&name, &source, &library])
                .arg(&path)
                .output()
                .expect("a compiler");
            let said = String::from_utf8_lossy(&compiled.stderr);
            assert!(compiled.status.success(), "{said}\n{program}");
            let ran = Command::new(&name).output().expect("it runs");
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success() && said.is_empty(), "{said}\n{program}");
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} programs were found");
}
