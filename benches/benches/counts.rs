//! Instructions and cache misses of an operation, under valgrind: the same figures in every run. What
//! is counted, and how, stands in `counts` of the library.
//!
//! `--ours` counts famalloc alone, `--only TEXT` the rows with that in their name. `--record` keeps
//! famalloc's rows in `results/counts.txt`, `--check` compares with what is kept there and fails when one
//! has grown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::counts::{
    Cell, Figures, Preloads, Record, Row, Valgrind, cells, child, compare, count, tables, tools,
};

const USAGE: &str = "cargo bench -p famalloc-bench --bench counts -- \
                     [--ours] [--only TEXT] [--check | --record]";

fn main() {
    let mut arguments = Arguments::of_bench("counts");
    if arguments.flag("--child") {
        return child(&arguments.rest());
    }
    let ours = arguments.flag("--ours");
    let check = arguments.flag("--check");
    let keep = arguments.flag("--record");
    let only: Option<String> = arguments.value("--only");
    arguments.done(USAGE);
    if keep && (check || only.is_some()) {
        complain(&format!("a record has all rows, and is not compared\nusage: {USAGE}"));
    }
    if let Err(error) = run(ours, only.as_deref(), check, keep) {
        eprintln!("{error}");
        exit(1);
    }
}

fn run(ours: bool, only: Option<&str>, check: bool, keep: bool) -> Result<(), String> {
    let valgrind = Valgrind::find()?;
    let preloads = Preloads::make(&target(), ours)?;
    let mut wanted = cells(&preloads);
    wanted.retain(|cell| !ours || cell.peer == "famalloc");
    wanted.retain(|cell| only.is_none_or(|only| cell.row.contains(only)));
    if wanted.is_empty() {
        return Err("no row is called that".to_owned());
    }
    let mut counted = Vec::new();
    let mut failed: Vec<(Cell, String)> = Vec::new();
    for (outcome, cell) in count(&valgrind, &wanted).into_iter().zip(wanted) {
        let figures = match outcome {
            Ok(figures) => figures,
            Err(error) if cell.peer == "famalloc" => return Err(format!("{}: {error}", cell.row)),
            Err(error) => {
                failed.push((cell.clone(), error));
                None
            }
        };
        counted.push((cell, figures));
    }
    let tools = tools(&valgrind)?;
    print!("{}", tables(&counted));
    println!("\nWith {}.", tools.join(", "));
    if !preloads.missing().is_empty() {
        println!("Not found: {}.", preloads.missing().join("; "));
    }
    for line in failures(&failed) {
        println!("{line}");
    }
    let now = Record { tools, rows: rows(&counted) };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/counts.txt");
    if keep {
        fs::write(&file, now.to_string())
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if check { against_record(&file, &now, only.is_none()) } else { Ok(()) }
}

/// The peers that failed: a line for each, with the first row and what went wrong there.
fn failures(failed: &[(Cell, String)]) -> Vec<String> {
    let same = |one: &Cell, other: &Cell| one.peer == other.peer && one.group == other.group;
    let mut lines = Vec::new();
    for (place, (cell, error)) in failed.iter().enumerate() {
        if failed[..place].iter().any(|(earlier, _)| same(earlier, cell)) {
            continue;
        }
        let rows = failed.iter().filter(|(other, _)| same(other, cell)).count();
        let Cell { peer, group, row, .. } = cell;
        lines.push(format!("{peer} failed in {rows} rows ({}); {row}: {error}", group.title()));
    }
    lines
}

/// Where cargo builds: this program is in `release/deps` there.
fn target() -> PathBuf {
    let this = std::env::current_exe().expect("this program is a file");
    this.ancestors().nth(3).expect("cargo builds three folders deep").to_owned()
}

/// famalloc's rows.
fn rows(counted: &[(Cell, Option<Figures>)]) -> Vec<Row> {
    let ours = counted.iter().filter(|(cell, _)| cell.peer == "famalloc");
    ours.filter_map(|(cell, figures)| Some(Row { name: cell.row.to_owned(), figures: (*figures)? }))
        .collect()
}

fn against_record(file: &Path, now: &Record, whole: bool) -> Result<(), String> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
    let record = Record::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = compare(&record, now, whole);
    println!();
    for hint in &found.hints {
        println!("{hint}");
    }
    if found.failures.is_empty() {
        println!("{} rows compared with the record: none failed.", now.rows.len());
        return Ok(());
    }
    Err(format!("against the record:\n{}", found.failures.join("\n")))
}
