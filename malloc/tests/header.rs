//! `famalloc.h` is C and C++ of every standard in use, the library has what it declares, and the tests of
//! the calls call all of it. (That it is what the lists say is a test of the library's own.)

#![cfg(not(miri))]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::FOLDER;

/// The names of the functions that the header declares.
fn declared() -> Vec<String> {
    let text = fs::read_to_string(Path::new(FOLDER).join("famalloc.h")).expect("the header");
    let c = text.split("} /* extern \"C\" */").next().expect("the part for C");
    let mut names: Vec<String> = Vec::new();
    for line in c.lines().filter(|line| !line.starts_with([' ', '/', '#', '}'])) {
        if let Some(before) = line.split_once('(').map(|(before, _)| before) {
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            if name.starts_with("fam_") && !line.starts_with("typedef") {
                names.push(name.to_owned());
            }
        }
    }
    assert!(names.len() > 40, "only {names:?}");
    names
}

/// Each source has a name of its own.
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// Whether a compiler takes a source that is nothing but the header, twice, and `more`.
fn compiles(standard: &str, more: &str) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cpp = standard.contains("++");
    let ending = if cpp { "cpp" } else { "c" };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let source = folder.join(format!("header-{number}.{ending}"));
    let text = format!("#include \"famalloc.h\"\n#include \"famalloc.h\"\n{more}\n");
    fs::write(&source, text).expect("a file");
    let output = common::compiler(cpp)
        .arg(format!("-std={standard}"))
        .args("-Wall -Wextra -pedantic -Werror -O2 -c -o /dev/null -I".split(' '))
        .arg(FOLDER)
        .arg(&source)
        .output()
        .expect("a compiler");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn it_is_c() {
    for standard in ["c99", "c11", "gnu11", "c17", "c2x", "gnu2x"] {
        let use_it = "void f(void); void f(void) { fam_free(fam_malloc(FAM_GENERAL, 1)); }";
        assert_eq!(compiles(standard, use_it), Ok(()), "{standard}");
        // Beside what declares the standard functions, before and after.
        let beside = "#include <stdlib.h>\n#include <malloc.h>\n#include <stdio.h>";
        assert_eq!(compiles(standard, beside), Ok(()), "{standard}");
    }
}

#[test]
fn it_is_cpp() {
    for standard in ["c++11", "c++14", "c++17", "gnu++17", "c++20", "c++23"] {
        let use_it = "void f(); void f() { fam::scope s(1); fam::allocator<int> a(2); \
                      a.deallocate(a.allocate(3), 3); }";
        assert_eq!(compiles(standard, use_it), Ok(()), "{standard}");
        let beside = "#include <cstdlib>\n#include <malloc.h>\n#include <memory>";
        assert_eq!(compiles(standard, beside), Ok(()), "{standard}");
    }
}

/// Whether the compiler is GCC, whose warnings the next test knows.
fn is_gcc() -> bool {
    let mut macros = common::compiler(false);
    let output = common::succeed(macros.args(["-dM", "-E", "-x", "c", "/dev/null"]));
    let text = String::from_utf8_lossy(&output.stdout);
    text.contains(" __GNUC__ ") && !text.contains(" __clang__ ")
}

/// What compilers are told of the functions, they know.
#[test]
fn attributes_warn() {
    if !is_gcc() {
        return;
    }
    for (use_it, warning) in [
        ("void f(void); void f(void) { fam_malloc(0, 1); }", "-Werror=unused-result"),
        ("void *f(void); void *f(void) { return fam_region_alloc(0, 1); }", "-Werror=nonnull"),
        (
            "char *f(char *); char *f(char *a) { a = fam_try_resize(a, 4); if (a) a[9] = 1; return a; }",
            "-Werror=array-bounds",
        ),
        (
            "char *f(void); char *f(void) { char *a = fam_malloc(0, 4); if (a) a[9] = 1; return a; }",
            "-Werror=array-bounds",
        ),
    ] {
        let said = compiles("c11", use_it).expect_err(use_it);
        let overflow =
            warning == "-Werror=array-bounds" && said.contains("-Werror=stringop-overflow");
        assert!(said.contains(warning) || overflow, "{said}");
    }
}

#[test]
fn the_library_has_what_is_declared() {
    let Some(library) = common::preloaded() else { return };
    let output = common::succeed(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    let text = String::from_utf8(output.stdout).expect("text");
    let exported: Vec<_> = text.lines().filter_map(|line| line.split(" T ").nth(1)).collect();
    for name in declared() {
        assert!(exported.contains(&name.as_str()), "{name} is not exported");
    }
    for name in exported.iter().filter(|name| name.starts_with("fam_")) {
        assert!(declared().iter().any(|declared| declared == name), "{name} is not declared");
    }
    for name in [
        "mallinfo",
        "mallinfo2",
        "malloc_stats",
        "malloc_info",
        "mallopt",
        "malloc_trim",
        "__libc_malloc",
        "__libc_mallopt",
    ] {
        assert!(exported.contains(&name), "{name} is not exported");
    }
}

#[test]
fn every_call_is_tried() {
    let text = ["families.c", "families_seen.c"]
        .map(|name| fs::read_to_string(Path::new(FOLDER).join("tests/c").join(name)))
        .map(|text| text.expect("the tests"))
        .concat();
    for name in declared() {
        assert!(text.contains(&format!("{name}(")), "{name} is never called");
    }
}
