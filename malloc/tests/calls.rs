//! The calls of `famalloc.h`, from C and C++: `tests/c/families.c` has a part for each idea, and each part
//! runs in a process of its own, against the shared library and against the static one.

#![cfg(not(miri))]

mod common;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// What a program in the static library needs of the system.
const SYSTEM: [&str; 3] = ["-ldl", "-lpthread", "-lm"];

/// Compiles a program of `tests/c`.
fn compile(source: &str, name: &str, libraries: &[&OsStr]) -> PathBuf {
    let (compiler, standard) =
        if source.ends_with(".cpp") { ("c++", "-std=c++17") } else { ("cc", "-std=gnu11") };
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = Command::new(compiler)
        .args([standard, "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-I", FOLDER])
        .arg(Path::new(FOLDER).join("tests/c").join(source))
        .arg("-o")
        .arg(&program)
        .args(libraries)
        .args(SYSTEM)
        .output()
        .expect("a compiler");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{source} does not compile:\n{said}");
    program
}

/// What the linker has to be told to find the shared library, at once and when the program runs.
fn shared(source: &str, name: &str) -> PathBuf {
    let library = common::library();
    let path = format!("-Wl,-rpath,{}", library.parent().expect("a folder").display());
    compile(source, name, &[library.as_os_str(), OsStr::new(&path)])
}

fn programs() -> &'static [PathBuf; 2] {
    static PROGRAMS: OnceLock<[PathBuf; 2]> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let archive = common::archive();
        [
            shared("families.c", "families-shared"),
            compile("families.c", "families-static", &[archive.as_os_str()]),
        ]
    })
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}:\n{said}", program.display());
    output
}

/// Runs a part of the program, with either library.
fn part(name: &str) {
    for program in programs() {
        run(program, &[name]);
    }
}

#[test]
fn families_have_names() {
    part("names");
}

#[test]
fn threads_that_ask_for_a_name_agree() {
    for _ in 0..20 {
        part("race");
    }
}

#[test]
fn memory_is_of_the_family_that_was_named() {
    part("allocation");
}

#[test]
fn reallocation_stays_in_the_family() {
    part("resizing");
}

#[test]
fn scopes_are_where_unmodified_code_allocates() {
    part("scopes");
}

#[test]
fn regions_are_given_up_at_once() {
    part("regions");
}

#[test]
fn what_there_is_can_be_seen() {
    part("reports");
}

#[test]
fn a_lifecycle_gives_back_and_begins_anew() {
    part("lifecycle");
}

#[test]
fn what_looks_does_not_allocate() {
    part("quiet");
}

#[test]
fn a_fork_has_the_families_of_its_parent() {
    part("forked");
}

#[test]
fn cpp_has_scopes_and_allocators() {
    run(&shared("families.cpp", "families-cpp"), &[]);
}

/// The elements of an XML document: names and attributes. Fails where it is not well-formed.
fn elements(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, rest) = tag.split_once('>').expect("tags end");
        assert!(rest.trim().is_empty(), "text between tags: {rest:?}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "tags are closed in turn");
            continue;
        }
        let inner = tag.trim_end_matches('/');
        let (name, mut rest) = inner.split_once(' ').unwrap_or((inner, ""));
        let mut attributes = Vec::new();
        while !rest.is_empty() {
            let (attribute, value) = rest.split_once("=\"").expect("an attribute has a value");
            let (value, after) = value.split_once('"').expect("values end");
            attributes.push((attribute.trim().to_owned(), value.to_owned()));
            rest = after;
        }
        if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
        found.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    found
}

#[test]
fn statistics_are_written() {
    for program in programs() {
        let output = run(program, &["statistics"]);
        let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let (xml, table) = (out.expect("text"), err.expect("text"));
        let found = elements(&xml);
        assert_eq!(found[0].0, "malloc");
        assert_eq!(found[0].1, [("version".to_owned(), "1".to_owned())]);
        let heaps: Vec<_> = found.iter().filter(|(name, _)| name == "heap").collect();
        let family = |at: usize| heaps[at].1[1].1.as_str();
        assert_eq!((heaps.len(), family(0)), (2, "General"));
        assert_eq!(family(1), "a&lt;b&gt;&amp;&quot;c&quot;");
        // The two large objects, of a mebibyte and of five: in their heaps, and in the sum.
        let large = |element: &&(String, Vec<(String, String)>)| {
            element.0 == "total" && element.1[0].1 == "mmap"
        };
        let sizes: Vec<u64> =
            found.iter().filter(large).map(|(_, values)| values[2].1.parse().unwrap()).collect();
        assert_eq!(sizes, [1 << 20, 5 << 20, 6 << 20]);

        let lines: Vec<Vec<_>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert_eq!(
            lines[0],
            ["Families", "objects", "live", "peak", "blocks", "committed", "regions"]
        );
        assert_eq!((lines[1][0], lines[2][0], lines[3][0]), ("General", "a<b>&\"c\"", "total"));
        assert_eq!(lines[2][1..4], ["101", "5.3", "MiB"]);
        assert_eq!(lines[2][lines[2].len() - 2..], ["64.0", "KiB"]);
        let objects = |line: usize| lines[line][1].parse::<usize>().unwrap();
        assert_eq!(objects(1) + objects(2), objects(3));
    }
}
