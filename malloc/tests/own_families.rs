//! Another crate exports a C malloc over its own families: `tests/own_families`, which is built by itself
//! here, and a program in C that is linked to it, to the shared library and to the static one. Programs with
//! operators of their own are run with it too.

#![cfg(not(miri))]

mod common;

use common::{FOLDER, Program, compiler, run, succeed};
use std::path::Path;
use std::process::Command;

#[test]
fn another_crate_exports_a_malloc_over_its_own_families() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own_families");
    let mut cargo = Command::new(env!("CARGO"));
    // What it needs was fetched for this very test, so no network is asked.
    cargo.args(["build", "--package", "own-families", "--offline", "--target-dir"]).arg(&target);
    cargo.current_dir(FOLDER);
    // Flags for this build, a sanitizer's for instance, are not for that one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(variable);
    }
    succeed(&mut cargo);

    let built = target.join("debug");
    for (name, library) in [("shared", "libown_families.so"), ("static", "libown_families.a")] {
        let program = target.join(name);
        succeed(
            compiler(false)
                .args(["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-I", FOLDER])
                .arg(Path::new(FOLDER).join("tests/c/own_families.c"))
                .arg("-o")
                .arg(&program)
                .arg(built.join(library))
                .arg(format!("-Wl,-rpath,{}", built.display()))
                .args(["-ldl", "-lpthread", "-lm"]),
        );
        run(&program, &[], None).well();
    }

    // It is not linked with -Bsymbolic-functions: what it says of its own operators means the program's.
    let library = built.join("libown_families.so");
    for source in ["replaced_new.cpp", "replaced_array.cpp", "operators.cpp", "foreign.c"] {
        println!("{source}");
        run(&Program::new(source).compile(), &[], Some(&library)).well();
    }
    // Its build script says `nodelete`.
    let opens = Program::new("dlopen_malloc.c").compile();
    run(&opens, &[library.as_os_str(), "close".as_ref()], None).well();
}
