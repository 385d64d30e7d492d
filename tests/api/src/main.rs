//! Compares famalloc's public items with those on record, in `tests/api/famalloc.txt`.
//!
//! ```text
//! cargo run -p famalloc-api              says what was added and removed; fails if anything was
//! cargo run -p famalloc-api -- --record  writes the record anew
//! ```
//!
//! The list comes from rustdoc's JSON, which only a nightly compiler writes, in a format that changes from time to
//! time. Where the format is one that is not known yet, nothing is compared, and that is said.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Has rustdoc describe the library with all of its features; returns where.
fn describe() -> Result<std::path::PathBuf, String> {
    let target = root().join("target/api");
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["+nightly", "rustdoc", "-p", "famalloc", "--lib", "--all-features", "--target-dir"])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format", "json"])
        // Those of the compiler that runs this one would be taken for the nightly one's.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if status.success() {
        Ok(target.join("doc/famalloc.json"))
    } else {
        Err(format!("rustdoc failed: {status}"))
    }
}

/// The public items, a line each: sorted, and those that can be named in two ways once.
fn items(description: &Path) -> Result<BTreeSet<String>, String> {
    let items = public_api::Builder::from_rustdoc_json(description)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(items.to_string().lines().map(str::to_owned).collect())
}

/// Compares; whether nothing differs.
fn compare(found: &BTreeSet<String>, recorded: &BTreeSet<String>) -> bool {
    for gone in recorded.difference(found) {
        println!("- {gone}");
    }
    for new in found.difference(recorded) {
        println!("+ {new}");
    }
    found == recorded
}

fn run(record: bool) -> Result<bool, String> {
    let description = describe()?;
    let found = match items(&description) {
        Ok(found) => found,
        Err(error) => {
            println!(
                "nothing was compared, as this nightly compiler's description is of another format: {error}"
            );
            return Ok(true);
        }
    };
    let file = root().join("tests/api/famalloc.txt");
    if record {
        let lines: String = found.iter().flat_map(|line| [line, "\n"]).collect();
        fs::write(&file, lines).map_err(|error| format!("{}: {error}", file.display()))?;
        println!("{} public items are on record", found.len());
        return Ok(true);
    }
    let recorded = match fs::read_to_string(&file) {
        Ok(recorded) => recorded,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    let same = compare(&found, &recorded.lines().map(str::to_owned).collect());
    if same {
        println!("{} public items, as on record", found.len());
    } else {
        println!(
            "the public items differ; if that is meant: cargo run -p famalloc-api -- --record"
        );
    }
    Ok(same)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let record = match arguments.as_slice() {
        [] => false,
        [one] if one == "--record" => true,
        _ => {
            eprintln!("usage: cargo run -p famalloc-api [-- --record]");
            return ExitCode::from(64);
        }
    };
    match run(record) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
