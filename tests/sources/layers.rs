//! The layout of `src/` is its order of layers: a file imports only from layers below its own.
//!
//! The order, bottom to top, is [`LAYERS`]. It is the design's (`os -> space -> class -> block ->
//! lane -> table -> thread -> heap -> faces`) with what it does not name put where it belongs: `platform`, `sync`,
//! `error`, `spec` and `options` are used by all and use nothing; `class` is pure arithmetic, so it lies below
//! `os` although the story tells it after `space`; `abort` words
//! what `os` writes; `family`, the traits by which types find their
//! table and thread cache, lies between `thread` and `heap`. Each face is a layer of its own: a handle may be made of
//! another, and not the other way round as well. `lib.rs` names everything.
//!
//! A path is found in `use crate::..`, in `crate::..` in the midst of code, and in as many `super::`
//! as lead out of the file's module. What the crate root exports is to be imported from where it is, so that a
//! reader finds it; macros alone can be had there only, and count as what they are exported from.
//! (`$crate::__private` stands in macros that expand in other crates, and imports nothing.)

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Bottom to top. Only the modules of one entry may use each other.
const LAYERS: &[&[&str]] = &[
    &["platform"],
    &["sync"],
    &["error"],
    &["spec"],
    &["options"],
    &["class"],
    &["os"],
    &["abort"],
    &["space"],
    &["block"],
    &["lane"],
    &["table"],
    &["thread"],
    // Types find their family, or a number does; scopes name one for code that names none.
    &["family_set"],
    &["any_family"],
    &["scope"],
    &["family"],
    &["family_key"],
    &["heap"],
    // What every handle and collection allocates by.
    &["raw_alloc"],
    // What regions are made of.
    &["arena"],
    // The faces.
    &["delegate"],
    &["in_family"],
    &["global"],
    &["boxed"],
    &["rc"],
    &["thin"],
    &["object_alloc"],
    &["collections"],
    &["pool"],
    &["region"],
    &["allocator"],
    &["serde"],
    &["lib"],
];

/// No file is longer.
const MOST_LINES: usize = 600;

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The module path of a file below `src/`: `space/map.rs` is `space::map`, `lane/mod.rs` is `lane`.
fn module_of(file: &str) -> Vec<&str> {
    let mut parts: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

/// The text without comments; a string that holds `//` loses its end, which does no harm here.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

fn identifier(text: &str) -> &str {
    let end = text.find(|at: char| !at.is_alphanumeric() && at != '_').unwrap_or(text.len());
    &text[..end]
}

/// The first names of a path's rest: one, or those of a list in braces.
fn heads(rest: &str) -> Vec<&str> {
    let Some(list) = rest.strip_prefix('{') else { return vec![identifier(rest)] };
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                found.push(identifier(list[from..at].trim()));
                from = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// What the text of a file at `module` names of the crate root.
fn named<'a>(text: &'a str, module: &[&str]) -> Vec<&'a str> {
    let out = "super::".repeat(module.len());
    let mut found = Vec::new();
    for prefix in ["crate::", &out] {
        for (at, _) in text.match_indices(prefix) {
            let before = text[..at].chars().next_back();
            if !before.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == ':') {
                found.extend(heads(&text[at + prefix.len()..]));
            }
        }
    }
    found
}

/// What the crate root exports.
struct Exported<'a> {
    /// From which module.
    from: &'a str,
    is_macro: bool,
}

/// All that it exports, by name.
fn exports(files: &[(String, String)]) -> BTreeMap<&str, Exported<'_>> {
    let mut found = BTreeMap::new();
    for (file, text) in files {
        let module = module_of(file)[0];
        if file == "lib.rs" {
            for (at, _) in text.match_indices("pub use ") {
                let line = text[at + 8..].split(';').next().unwrap_or("");
                let from = identifier(line.trim_start_matches("crate::"));
                let names = line.split(|at: char| !at.is_alphanumeric() && at != '_');
                found.extend(
                    names
                        .filter(|name| ![from, "crate", ""].contains(name))
                        .map(|name| (name, Exported { from, is_macro: false })),
                );
            }
        }
        for (at, _) in text.match_indices("#[macro_export]") {
            if let Some(name) = text[at..].split("macro_rules! ").nth(1) {
                found.insert(identifier(name), Exported { from: module, is_macro: true });
            }
        }
    }
    found
}

/// Everything that is wrong with the order of these files: their paths below `src/`, and texts.
fn violations(files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|&(file, text)| (file.to_owned(), code(text))).collect();
    let exports = exports(&files);
    let mut wrong = Vec::new();
    for (file, text) in &files {
        let module = module_of(file);
        let Some(own) = rank(module[0]) else {
            wrong.push(format!("{file} has no layer"));
            continue;
        };
        for name in named(text, &module) {
            let exported = exports.get(name).filter(|_| rank(name).is_none());
            let target = exported.map_or(name, |exported| exported.from);
            if exported.is_some_and(|exported| !exported.is_macro) {
                wrong.push(format!("{file} imports {name} of {target} through the crate root"));
            }
            if target == module[0]
                || ["lib", "famalloc_macros", "__private", "self", ""].contains(&target)
            {
                continue;
            }
            match rank(target) {
                None => wrong.push(format!("{file} names {name}, which has no layer")),
                Some(rank) if rank > own => wrong.push(format!("{file} looks up to {target}")),
                Some(_) => {}
            }
        }
    }
    wrong
}

#[test]
fn every_file_looks_only_down() {
    let source = root().join("src");
    let files: Vec<_> = rust_files(&source)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&source).unwrap().to_str().unwrap().replace('\\', "/");
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    assert!(files.len() > 20, "the sources were not found");
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let wrong = violations(&files);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_checker_sees_what_points_up() {
    let one = |file, text| violations(&[(file, text)]);
    let up = |file, target| vec![format!("{file} looks up to {target}")];
    assert_eq!(one("os/linux.rs", "use crate::space::Space;"), up("os/linux.rs", "space"));
    assert_eq!(one("block.rs", "let x = crate::heap::alloc::f();"), up("block.rs", "heap"));
    assert_eq!(one("block.rs", "use crate::{sync::A, lane::{B, C}};"), up("block.rs", "lane"));
    assert_eq!(one("class.rs", "use super::os::cores;"), up("class.rs", "os"));
    assert_eq!(one("lane/depot.rs", "use super::super::table::T;"), up("lane/depot.rs", "table"));
    assert_eq!(one("sync.rs", "pub(in crate::error) use a;"), up("sync.rs", "error"));
    assert_eq!(one("boxed/a.rs", "use crate::region::Region;"), up("boxed/a.rs", "region"));
    assert_eq!(one("news.rs", ""), ["news.rs has no layer"]);
    assert_eq!(one("heap/a.rs", "crate::news::f()"), ["heap/a.rs names news, which has no layer"]);
    // By way of the crate root.
    let root = ("lib.rs", "pub use boxed::FamilyBox;\npub use heap::alloc::{\n    free_in,\n};");
    let through_root =
        ("space/map.rs", "use crate::{FamilyBox, sync::A};\nfn f() { crate::free_in() }");
    assert_eq!(
        violations(&[root, through_root]),
        [
            "space/map.rs imports FamilyBox of boxed through the crate root",
            "space/map.rs looks up to boxed",
            "space/map.rs imports free_in of heap through the crate root",
            "space/map.rs looks up to heap"
        ]
    );
    let exported = ("boxed/unsize.rs", "#[macro_export]\nmacro_rules! unsize { () => {} }");
    assert_eq!(
        violations(&[exported, ("lane/mod.rs", "crate::unsize!()")]),
        ["lane/mod.rs looks up to boxed"]
    );
}

#[test]
fn the_checker_lets_pass_what_points_down_or_sideways() {
    for (file, text) in [
        ("os/linux.rs", "use super::PageError;\nuse core::ptr;\nuse std::sync::Mutex;"),
        ("lane/depot.rs", "use super::magazine::MagazineBox;\nuse crate::class;"),
        (
            "block.rs",
            "//! [`heap`](crate::heap)\n/// crate::lane\n// crate::lane\nuse crate::sync;",
        ),
        ("heap/mod.rs", "use crate::{family::Family, thread};\nuse crate::heap::alloc;"),
        ("block.rs", "mod tests { use super::*; }"),
        ("region/mod.rs", "use crate::boxed::FamilyBox;"),
        ("lib.rs", "mod heap; pub use heap::alloc::f; use crate::boxed::FamilyBox;"),
        ("space/map.rs", "my_crate::heap::f(); macrocrate::heap; ::krate::heap"),
    ] {
        assert_eq!(violations(&[(file, text)]), [""; 0], "{file}: {text}");
    }
}

#[test]
fn every_layer_is_there() {
    for module in LAYERS.iter().copied().flatten() {
        let source = root().join("src");
        let (file, folder) =
            (source.join(format!("{module}.rs")), source.join(module).join("mod.rs"));
        assert!(file.exists() || folder.exists(), "there is no {module}");
    }
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let mut seen = 0;
    for folder in ["src", "macros/src", "tests", "examples"] {
        for path in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} files were found");
}
