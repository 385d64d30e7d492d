//! Copies protocols out of the allocator's sources, as they are and with one mistake each.
//!
//! A copy differs from its source in what [`Protocol::adapted`] says, and in what cannot stand in a copy: its
//! documentation, its tests, and `const`, since the atomics of a model checker come into being at run
//! time. Every piece of text that is to be replaced has to be there, so that a change of the source is noticed
//! here.

use std::path::Path;
use std::{env, fs};

/// A protocol: where it is, and how it can be broken.
struct Protocol {
    name: &'static str,
    source: &'static str,
    /// The items that make it up, by how their first lines begin; all of the file where there are none.
    items: &'static [&'static str],
    /// What is put in the place of what.
    adapted: &'static [(&'static str, &'static str)],
    mutants: &'static [Mutant],
}

/// A mistake: its name, and what is put in the place of what.
type Mutant = (&'static str, &'static str, &'static str);

const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "counter",
        source: "src/rc/counter.rs",
        items: &[],
        adapted: &[],
        mutants: &[
            (
                "strong_goes_unnoticed",
                "fetch_sub(STRONG, Ordering::Release)",
                "fetch_sub(STRONG, Ordering::Relaxed)",
            ),
            (
                "last_sees_nothing",
                "self.0.load(Ordering::Acquire);\n        // The others",
                "// The others",
            ),
            (
                "alone_sees_nothing",
                "self.0.load(Ordering::Acquire) == ALONE",
                "self.0.load(Ordering::Relaxed) == ALONE",
            ),
            (
                "weak_goes_unnoticed",
                "fetch_sub(WEAK, Ordering::Release)",
                "fetch_sub(WEAK, Ordering::Relaxed)",
            ),
            (
                "born_before_it_is_there",
                "fetch_add(STRONG, Ordering::Release)",
                "fetch_add(STRONG, Ordering::Relaxed)",
            ),
            ("dead_come_back", "0 => return false,", "u32::MAX => return false,"),
            (
                "weak_ones_are_forgotten",
                "Ok(_) => return Some(Left::Weak),",
                "Ok(_) => return Some(Left::Nothing),",
            ),
            (
                "slot_is_freed_too_soon",
                "if before == ALONE { Left::Nothing } else { Left::Weak }",
                "Left::Nothing",
            ),
        ],
    },
    Protocol {
        name: "mailbox",
        source: "src/lane/magazine.rs",
        items: &[
            "pub(crate) struct MagazineList ",
            "impl MagazineList ",
            "pub(crate) struct Mailbox ",
            "impl Mailbox ",
        ],
        adapted: &[],
        mutants: &[
            (
                "posted_before_it_is_written",
                "Ordering::Release, Ordering::Relaxed",
                "Ordering::Relaxed, Ordering::Relaxed",
            ),
            (
                "taken_before_it_is_seen",
                "swap(core::ptr::null_mut(), Ordering::Acquire)",
                "swap(core::ptr::null_mut(), Ordering::Relaxed)",
            ),
            (
                "posted_over_another",
                "Err(newer) => head = newer,",
                "Err(_) => { self.head.store(raw, Ordering::Release); return before + 1; }",
            ),
            (
                "taken_twice",
                "self.head.swap(core::ptr::null_mut(), Ordering::Acquire)",
                "{ let head = self.head.load(Ordering::Acquire); self.head.store(core::ptr::null_mut(), Ordering::Relaxed); head }",
            ),
            ("counted_for_good", "self.magazines.fetch_sub(1, Ordering::Relaxed);", ""),
        ],
    },
    Protocol {
        name: "lock",
        source: "src/sync/word.rs",
        items: &[
            "const FREE:",
            "const AWAITED:",
            "const HELD:",
            "const LOOKS:",
            "pub(super) struct Word(",
            "impl Word ",
        ],
        adapted: &[
            ("const LOOKS: u32 = 100;", "const LOOKS: u32 = 1;"),
            // The system's part is played by the checker. Nobody there sleeps for long.
            (
                "self.futex(libc::FUTEX_WAIT, word) == Err(libc::ETIMEDOUT)",
                "super::sync::futex_wait(&self.0, word);\n        false",
            ),
            ("let _ = self.futex(libc::FUTEX_WAKE, 1);", "super::sync::futex_wake_one();"),
            (
                "    fn futex(&self, operation: c_int, value: u32) -> Result<(), c_int> {\n",
                "    #[cfg(any())]\n    fn futex() {\n",
            ),
        ],
        mutants: &[
            (
                "taken_before_it_is_seen",
                "compare_exchange(FREE, held, Ordering::Acquire,",
                "compare_exchange(FREE, held, Ordering::Relaxed,",
            ),
            (
                "awaited_before_it_is_seen",
                "(order, fail) = (Ordering::Acquire,",
                "(order, fail) = (Ordering::Relaxed,",
            ),
            (
                "let_go_before_it_is_written",
                "swap(FREE, Ordering::Release)",
                "swap(FREE, Ordering::Relaxed)",
            ),
            ("nobody_is_woken", "& AWAITED != 0 {", "& AWAITED == 0 {"),
            ("others_are_forgotten", "held_by_me() | AWAITED;", "held_by_me();"),
            (
                "two_have_it",
                "self.0.compare_exchange(FREE, held, order, fail).is_ok()",
                "self.0.swap(held, order) != u32::MAX",
            ),
        ],
    },
];

/// The text from the line that begins like this to the end of the item.
fn item(source: &str, beginning: &str) -> String {
    let start = source
        .match_indices(beginning)
        .map(|(at, _)| at)
        .find(|&at| at == 0 || source.as_bytes()[at - 1] == b'\n')
        .unwrap_or_else(|| panic!("no item begins with `{beginning}`"));
    let text = &source[start..];
    let first = text.lines().next().unwrap_or("");
    let end =
        if first.ends_with(';') { first.len() } else { text.find("\n}\n").expect("an end") + 3 };
    format!("{}\n", &text[..end])
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the source has no `{from}` any more");
    text.replacen(from, to, 1)
}

impl Protocol {
    fn copy(&self, root: &Path) -> String {
        let path = root.join(self.source);
        println!("cargo::rerun-if-changed={}", path.display());
        let source = fs::read_to_string(&path).expect("the source");
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
        let mut copy: String = if self.items.is_empty() {
            source.to_owned()
        } else {
            self.items.iter().map(|beginning| item(source, beginning)).collect()
        };
        for (from, to) in self.adapted {
            copy = replace(&copy, from, to);
        }
        let lines = copy.lines().filter(|line| !line.starts_with("//!"));
        let copy = lines.collect::<Vec<_>>().join("\n");
        copy.replace("use crate::", "use super::").replace("const fn new(", "fn new(")
    }
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let out = env::var_os("OUT_DIR").expect("cargo says where");
    for protocol in PROTOCOLS {
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
