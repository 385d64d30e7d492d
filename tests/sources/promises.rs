//! `docs/promises.md` says the truth: what it quotes is in the documentation, what it names is in the
//! tests, and no invariant, bound, limit or sentence on memory is missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The sections of which every sentence has a row: the document, the heading, and what ends it.
const WHOLE: &[(&str, &str, &str, &str)] = &[
    ("src/lib.rs", "What always holds", "What always holds:", "# Bounds"),
    ("src/lib.rs", "Bounds", "# Bounds", "# Limits"),
    ("src/lib.rs", "Limits", "# Limits", "# Without the standard library"),
    (
        "README.md",
        "What it does with memory",
        "## What it does with memory",
        "The [crate documentation]",
    ),
];

/// A row: what is promised, and by what it is held.
struct Row {
    document: String,
    section: String,
    promise: String,
    held_by: String,
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The text without the marks of comments, emphasis, code and links, and with single spaces.
fn plain(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("//!"));
    let text = lines.collect::<Vec<_>>().join(" ");
    let mut plain = String::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '`' | '*' | '[' => {}
            // What a link leads to.
            ']' if rest.peek() == Some(&'(') => {
                while rest.next().is_some_and(|next| next != ')') {}
            }
            ']' => {}
            character => plain.push(character),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The document that a row is about.
fn document(name: &str) -> String {
    let text = read(name);
    // Of a source file, what it says at the top.
    let lines = text.lines().filter(|line| !name.ends_with(".rs") || line.starts_with("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

fn rows() -> Vec<Row> {
    let (mut document, mut section) = (String::new(), String::new());
    let mut rows = Vec::new();
    for line in read("docs/promises.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let (name, title) = heading.split_once(": ").unwrap_or((heading, ""));
            (document, section) = (name.trim_matches('`').to_owned(), title.to_owned());
        } else if let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) {
            let (promise, held_by) = row.split_once(" | ").expect("two columns");
            if promise != "promise" && promise != "---" {
                rows.push(Row {
                    document: document.clone(),
                    section: section.clone(),
                    promise: plain(promise),
                    held_by: held_by.to_owned(),
                });
            }
        }
    }
    rows
}

/// What stands in backquotes and names a file.
fn references(held_by: &str) -> impl Iterator<Item = &str> {
    held_by.split('`').skip(1).step_by(2).filter(|text| text.contains('/'))
}

/// What is wrong with a reference, if anything.
fn fault(reference: &str) -> Option<String> {
    let (file, test) =
        reference.split_once("::").map_or((reference, None), |(file, test)| (file, Some(test)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let Ok(text) = fs::read_to_string(path) else {
        return Some(format!("there is no file `{file}`"));
    };
    let test = test?;
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declaration = format!("fn {test}(");
    let Some(at) = lines.iter().position(|line| line.contains(&declaration)) else {
        return Some(format!("`{file}` has no `{test}`"));
    };
    // Among the attributes before it.
    let attributes = lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let mut attributes = attributes;
    (!attributes.any(|line| line.starts_with("#[test]")))
        .then(|| format!("`{test}` in `{file}` is no test"))
}

#[test]
fn what_is_quoted_is_promised() {
    let mut documents = BTreeMap::new();
    for row in rows() {
        let text =
            documents.entry(row.document.clone()).or_insert_with_key(|name| plain(&document(name)));
        assert!(text.contains(&row.promise), "{} does not say: {}", row.document, row.promise);
    }
    assert_eq!(documents.len(), 2);
}

#[test]
fn what_holds_it_is_there() {
    let faults: Vec<String> =
        rows().iter().flat_map(|row| references(&row.held_by).filter_map(fault)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for row in rows() {
        let held = references(&row.held_by).next().is_some();
        assert!(held || row.held_by.starts_with("Nothing"), "nothing holds: {}", row.promise);
    }
}

#[test]
fn no_sentence_is_left_out() {
    let rows = rows();
    let mut left_out = Vec::new();
    for (name, section, from, to) in WHOLE {
        let text = document(name);
        let start = text.find(from).unwrap_or_else(|| panic!("{name} has no {from}")) + from.len();
        let text = plain(text[start..].split(to).next().unwrap());
        let of_section: Vec<&str> = rows
            .iter()
            .filter(|row| row.document == *name && row.section == *section)
            .map(|row| row.promise.as_str())
            .collect();
        // Bullets have become dashes; invariants begin with their number.
        for sentence in text.split(". ").flat_map(|text| text.split(" - ")) {
            let sentence = sentence.trim_start_matches("- ").trim_end_matches('.');
            let number = sentence.len() <= 2 && sentence.starts_with('I');
            let touched =
                |row: &&str| row.contains(sentence) || sentence.contains(row.trim_end_matches('.'));
            if sentence.len() > 3 && !number && !of_section.iter().any(touched) {
                left_out.push(format!("{name}, {section}: {sentence}"));
            }
        }
    }
    assert!(left_out.is_empty(), "no row for:\n{}", left_out.join("\n"));
}

#[test]
fn the_reader_sees_what_is_wrong() {
    assert_eq!(plain("//! A [`word`](crate::word), *two*  `words`."), "A word, two words.");
    assert!(fault("tests/sources/promises.rs::the_reader_sees_what_is_wrong").is_none());
    assert!(fault("tests/sources/promises.rs").is_none());
    assert!(fault("tests/sources/promises.rs::plain").unwrap().contains("no test"));
    assert!(fault("tests/sources/promises.rs::nowhere").unwrap().contains("has no"));
    assert!(fault("tests/nowhere.rs::nothing").unwrap().contains("no file"));
    assert_eq!(
        references("`a/b.rs::c`, `d` and `e/f.c`").collect::<Vec<_>>(),
        ["a/b.rs::c", "e/f.c"]
    );
}
