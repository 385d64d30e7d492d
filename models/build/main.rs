//! Copies protocols out of the allocator's sources, as they are and with one mistake each.
//!
//! A copy differs from its source in what [`Source::adapted`] says, and in what cannot stand in a copy: its
//! documentation, its tests, and `const`, since the atomics of a model checker come into being at run
//! time; statics are made anew for each execution. Every piece of text that is to be replaced has to be there, so that a change of the source is noticed
//! here.

mod protocols;
mod threads;

use std::path::Path;
use std::{env, fs};

use protocols::PROTOCOLS;
use threads::THREADS;

/// A protocol: where it is, and how it can be broken.
struct Protocol {
    name: &'static str,
    sources: &'static [Source],
    mutants: &'static [Mutant],
}

/// What of it is in one file.
struct Source {
    /// The module that the copy is put into; none where that is empty.
    module: &'static str,
    file: &'static str,
    /// The items that make it up, by how their first lines begin; all of the file where there are none. Of a
    /// method that is what comes behind `=>`, and before it what it is a method of.
    items: &'static [&'static str],
    /// What is put in the place of what.
    adapted: &'static [(&'static str, &'static str)],
    /// The same, wherever it is.
    everywhere: &'static [(&'static str, &'static str)],
}

/// A mistake: its name, and what is put in the place of what.
type Mutant = (&'static str, &'static str, &'static str);

/// The text from the line that begins like this to the end of the item.
fn item(source: &str, beginning: &str) -> String {
    if let Some((block, method)) = beginning.split_once(" => ") {
        return format!("{block} {{\n{}}}\n", text_of(source, &format!("    {method}"), "    }\n"));
    }
    text_of(source, beginning, "}\n")
}

/// The text from the line that begins like this to the one that is its end.
fn text_of(source: &str, beginning: &str, end: &str) -> String {
    let start = source
        .match_indices(beginning)
        .map(|(at, _)| at)
        .find(|&at| at == 0 || source.as_bytes()[at - 1] == b'\n')
        .unwrap_or_else(|| panic!("no item begins with `{beginning}`"));
    let text = &source[start..];
    let first = text.lines().next().unwrap_or("");
    let length = if first.ends_with(';') {
        first.len()
    } else {
        text.find(&format!("\n{end}")).expect("an end") + 1 + end.len()
    };
    format!("{}\n", &text[..length])
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the source has no `{from}` any more");
    text.replacen(from, to, 1)
}

/// A static of an atomic or of a lock, as one that each execution makes.
fn lazy(line: &str, module: &str) -> String {
    let Some((visible, rest)) = line.split_once("static ").filter(|(before, _)| {
        matches!(*before, "" | "pub(crate) " | "pub(super) ") && line.ends_with(';')
    }) else {
        return line.to_owned();
    };
    let above = if module.is_empty() { "" } else { "super::" };
    format!("{above}lazy_static! {{ {visible}static ref {rest} }}")
}

impl Source {
    fn copy(&self, root: &Path) -> String {
        let path = root.join(self.file);
        println!("cargo::rerun-if-changed={}", path.display());
        let source = fs::read_to_string(&path).expect("the source");
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let source = source.split("#[cfg(test)]\n#[cfg(unix)]").next().unwrap_or("");
        let mut copy: String = if self.items.is_empty() {
            source.to_owned()
        } else {
            self.items.iter().map(|beginning| item(source, beginning)).collect()
        };
        for (from, to) in self.adapted {
            copy = replace(&copy, from, to);
        }
        for (from, to) in self.everywhere {
            assert!(copy.contains(from), "the source has no `{from}` any more");
            copy = copy.replace(from, to);
        }
        let lines = copy.lines().filter(|line| !line.starts_with("//!"));
        let copy = lines.map(|line| lazy(line, self.module)).collect::<Vec<_>>().join("\n");
        let copy = copy
            .replace("use crate::", "use super::")
            .replace("const fn new(", "fn new(")
            // There is a system.
            .replace("#[cfg(feature = \"std\")]", "")
            .replace("#[cfg(not(feature = \"std\"))]", "#[cfg(any())]");
        match self.module {
            "" => copy,
            module => format!("pub(crate) mod {module} {{\n{copy}\n}}\n"),
        }
    }
}

impl Protocol {
    fn copy(&self, root: &Path) -> String {
        self.sources.iter().map(|source| source.copy(root)).collect()
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let out = env::var_os("OUT_DIR").expect("cargo says where");
    for protocol in PROTOCOLS.iter().chain(THREADS) {
        let copy = protocol.copy(root);
        let write = |name: &str, text: &str| {
            let file = Path::new(&out).join(format!("{}_{name}.rs", protocol.name));
            fs::write(file, text).expect("room for it");
        };
        write("original", &copy);
        for (name, from, to) in protocol.mutants {
            write(name, &replace(&copy, from, to));
        }
    }
}
