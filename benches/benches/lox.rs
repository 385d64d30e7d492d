//! Whole programs: the Lox interpreter of `examples/lox`, built five times, over famalloc with its
//! families and over plain boxes with each of the other allocators as the global one.
//!
//! The builds take turns, program by program and round by round. Times are those of the whole
//! process. `--rounds N` sets how many rounds there are, `--only PROGRAM` picks one program.
//!
//! `--beside NAME=PATH` takes any other interpreter of the language in, that of the book in C, say; it may be given
//! several times. (It is not in this repository. Its time, too, is that of the whole process.)
//!
//! `--counts` counts instructions instead, under valgrind, of programs that are shorter. `--check` does so with the
//! families and plain boxes alone, and fails where the families take more.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::counts::Valgrind;
use famalloc_bench::lox::{BUILDS, Build, counted, dearer, name, programs, shortened};
use famalloc_bench::process::{Run, run};
use famalloc_bench::stats::{Summary, median};
use famalloc_bench::table::Table;

const USAGE: &str = "cargo bench -p famalloc-bench --bench lox -- \
                     [--only PROGRAM] [--beside NAME=PATH].. [--rounds N | --counts | --check]";
const ROUNDS: usize = 11;

fn main() {
    let mut arguments = Arguments::of_bench("lox");
    let rounds = arguments.value("--rounds").unwrap_or(ROUNDS).max(1);
    let only: Option<String> = arguments.value("--only");
    let mut beside: Vec<(String, PathBuf)> = Vec::new();
    while let Some(other) = arguments.value::<String>("--beside") {
        match other.split_once('=') {
            Some((name, path)) => beside.push((name.to_owned(), path.into())),
            None => complain(&format!("--beside {other}: a name, `=` and a path\nusage: {USAGE}")),
        }
    }
    let check = arguments.flag("--check");
    let counts = arguments.flag("--counts") || check;
    arguments.done(USAGE);

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut programs = programs(&workspace).unwrap_or_else(|error| complain(&error));
    if let Some(only) = only {
        programs.retain(|program| name(program) == only);
        if programs.is_empty() {
            complain(&format!("there is no program {only}\nusage: {USAGE}"));
        }
    }
    let builds = if check { &BUILDS[..2] } else { &BUILDS[..] };
    let builds: Vec<&Build> =
        builds.iter().filter(|build| !counts || build.can_be_counted()).collect();
    let make = |build: &&Build| build.make(&workspace).unwrap_or_else(|error| complain(&error));
    let interpreters: Vec<_> = builds.iter().map(make).collect();
    if counts {
        if let Err(error) = count(&workspace, &programs, &builds, &interpreters, check) {
            eprintln!("{error}");
            exit(1);
        }
        return;
    }
    let ours = builds.iter().map(|build| build.name.to_owned()).zip(interpreters);
    time(&programs, &ours.chain(beside).collect::<Vec<_>>(), rounds);
}

/// Prints how many instructions each build takes for each program, a shorter one.
fn count(
    workspace: &Path,
    programs: &[PathBuf],
    builds: &[&Build],
    interpreters: &[PathBuf],
    check: bool,
) -> Result<(), String> {
    let valgrind = Valgrind::find()?;
    let names = builds.iter().map(|build| build.name);
    let mut table = Table::new(["program"].into_iter().chain(names).chain(["ratio"]));
    let mut failures = Vec::new();
    for program in programs {
        let shorter = shortened(program, &workspace.join("target/counts/lox"))?;
        let counts = counted(&valgrind, interpreters, &shorter)?;
        failures.extend(dearer(&name(program), counts[0], counts[1]));
        let millions: Vec<_> = counts.iter().map(|&count| count as f64 / 1e6).collect();
        table.row(row(program, &millions, 2));
    }
    println!(
        "Instructions in millions, of shorter programs; the ratio is to the best peer\n\n{table}"
    );
    if check && !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    Ok(())
}

/// Prints how long each interpreter takes for each program, and how much memory.
fn time(programs: &[PathBuf], interpreters: &[(String, PathBuf)], rounds: usize) {
    let names = || ["program"].into_iter().chain(interpreters.iter().map(|(name, _)| &**name));
    let mut wall = Table::new(names().chain(["ratio", "spread"]));
    let mut user = Table::new(names().chain(["ratio"]));
    let mut peak = Table::new(names().chain(["ratio"]));
    for program in programs {
        let runs = race(interpreters, program, rounds);
        let walls: Vec<_> = runs.iter().map(|runs| summary(runs, |run| run.wall)).collect();
        let medians: Vec<_> = walls.iter().map(|wall| 1e3 * wall.median).collect();
        let spread = format!("{:.0}%", 100.0 * walls[0].relative_spread());
        wall.row(row(program, &medians, 1).into_iter().chain([spread]));
        let users: Vec<_> = runs.iter().map(|runs| 1e3 * middle(runs, |run| run.user)).collect();
        user.row(row(program, &users, 1));
        let peaks: Vec<_> = runs.iter().map(|runs| middle(runs, |run| run.peak) / 1e6).collect();
        peak.row(row(program, &peaks, 1));
    }
    println!(
        "Wall time in ms, medians of {rounds} rounds; the ratio is to the best of our own over plain boxes\n\n{wall}"
    );
    println!("User time in ms\n\n{user}");
    println!("Peak resident memory in MB\n\n{peak}");
}

/// Runs a program with all interpreters in turn, after one round that does not count and in which
/// their outputs are compared.
fn race(interpreters: &[(String, PathBuf)], program: &Path, rounds: usize) -> Vec<Vec<Run>> {
    let once = |(_, interpreter): &(String, PathBuf)| {
        let mut command = Command::new(interpreter);
        command.arg(program);
        run(command)
            .unwrap_or_else(|error| complain(&format!("{}: {error}", interpreter.display())))
    };
    let first: Vec<_> = interpreters.iter().map(once).collect();
    for (run, (interpreter, _)) in first.iter().zip(interpreters) {
        if run.code != Some(0) {
            complain(&format!("{} with {interpreter} ended with {:?}", name(program), run.code));
        }
        if run.output != first[0].output {
            complain(&format!("{} with {interpreter} printed something else", name(program)));
        }
    }
    let mut runs = vec![Vec::new(); interpreters.len()];
    for round in 0..rounds {
        for turn in 0..interpreters.len() {
            let turn = (turn + round) % interpreters.len();
            runs[turn].push(once(&interpreters[turn]));
        }
    }
    runs
}

fn summary(runs: &[Run], value: impl Fn(&Run) -> f64) -> Summary {
    Summary::of(&runs.iter().map(value).collect::<Vec<_>>())
}

fn middle(runs: &[Run], value: impl Fn(&Run) -> f64) -> f64 {
    median(&runs.iter().map(value).collect::<Vec<_>>())
}

/// A program's row: the values, and the ratio of the first to the least of the other builds.
fn row(program: &Path, values: &[f64], digits: usize) -> Vec<String> {
    let best =
        values[1..values.len().min(BUILDS.len())].iter().copied().fold(f64::INFINITY, f64::min);
    let cells = values.iter().map(|value| format!("{value:.digits$}"));
    let ratio = if best > 0.0 { format!("{:.2}", values[0] / best) } else { "-".to_owned() };
    [name(program)].into_iter().chain(cells).chain([ratio]).collect()
}
