//! The calls of `famalloc.h`, from C and C++: `tests/c/families.c` and `families_seen.c` have a part for
//! each idea, and each part runs in a process of its own, against the shared library and against the
//! static one.

#![cfg(not(miri))]

mod common;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use common::{Ended, Program};

const STRICT: &[&str] = &["-Wextra", "-Werror"];

/// Compiles a program for the shared library; `None` where there is none to try.
fn shared(source: &str, flags: &[&str]) -> Option<PathBuf> {
    let linked = common::linked()?;
    let libraries = &linked.each_ref().map(|it| it.as_os_str());
    let flags = &[STRICT, flags].concat();
    Some(Program { flags, libraries, variant: "-shared", ..Program::new(source) }.compile())
}

/// Compiles it for the static one.
fn static_(source: &str) -> PathBuf {
    let archive = common::archive();
    let libraries: &[&OsStr] = &[archive.as_ref(), "-lpthread".as_ref(), "-lm".as_ref()];
    Program { flags: STRICT, libraries, variant: "-static", ..Program::new(source) }.compile()
}

/// The two programs of parts, each for either library; no program where there is no library to try.
fn programs(source: &str) -> &'static [PathBuf] {
    static PROGRAMS: [(&str, OnceLock<Vec<PathBuf>>); 2] =
        [("families.c", OnceLock::new()), ("families_seen.c", OnceLock::new())];
    let (_, made) = PROGRAMS.iter().find(|(name, _)| *name == source).expect("one of these");
    made.get_or_init(|| {
        shared(source, &[]).map_or_else(Vec::new, |shared| vec![shared, static_(source)])
    })
}

/// Runs a part of a program, with either library.
#[track_caller]
fn part(source: &str, name: &str) -> Vec<Ended> {
    let run = |program: &PathBuf| {
        let ended = common::run(program, &[name.as_ref()], None);
        ended.well();
        ended
    };
    programs(source).iter().map(run).collect()
}

#[test]
fn families_have_names() {
    part("families.c", "names");
}

#[test]
fn threads_that_ask_for_a_name_agree() {
    for _ in 0..20 {
        part("families.c", "race");
    }
}

#[test]
fn memory_is_of_the_family_that_was_named() {
    part("families.c", "allocation");
}

#[test]
fn reallocation_stays_in_the_family() {
    part("families.c", "resizing");
}

#[test]
fn scopes_are_where_unmodified_code_allocates() {
    part("families.c", "scopes");
}

#[test]
fn regions_are_given_up_at_once() {
    part("families.c", "regions");
}

#[test]
fn what_there_is_can_be_seen() {
    part("families_seen.c", "reports");
}

#[test]
fn a_lifecycle_gives_back_and_begins_anew() {
    part("families_seen.c", "lifecycle");
}

#[test]
fn what_looks_does_not_allocate() {
    part("families_seen.c", "quiet");
}

#[test]
fn a_fork_has_the_families_of_its_parent() {
    part("families_seen.c", "forked");
}

#[test]
fn cpp_has_scopes_and_allocators() {
    if let Some(program) = shared("families.cpp", &["-std=c++17"]) {
        common::run(&program, &[], None).well();
    }
}

/// What grows into the bytes behind it may be used in a program that is checked for overflows.
#[test]
fn what_has_grown_may_be_filled() {
    // The highest level that compiler and C library have.
    let level = ["3", "2"].into_iter().find(|level| {
        let define = format!("-D_FORTIFY_SOURCE={level}");
        let source = "-O2 -Werror -x c -include string.h -fsyntax-only /dev/null";
        let tried = common::compiler(false).arg(&define).args(source.split(' ')).output();
        tried.expect("a compiler").status.success()
    });
    let define = format!("-D_FORTIFY_SOURCE={}", level.expect("a level that is understood"));
    let flags = ["-O2", "-fbuiltin", "-U_FORTIFY_SOURCE", define.as_str()];
    let Some(program) = shared("fortified.c", &flags) else { return };
    common::run(&program, &["within".as_ref()], None).well();
    // It is checked.
    common::run(&program, &["beyond".as_ref()], None).aborted_with("buffer overflow");
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
    for Ended { out: xml, err: table, .. } in part("families_seen.c", "statistics") {
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
