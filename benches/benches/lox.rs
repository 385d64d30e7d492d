//! Whole programs: the Lox interpreter of `examples/lox`, built five times, over famalloc with its
//! families and over plain boxes with each of the other allocators as the global one.
//!
//! The builds take turns, program by program and round by round. Times are those of the whole
//! process. `--rounds N` sets how many rounds there are, `--only PROGRAM` picks one program.
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
                     [--only PROGRAM] [--rounds N | --counts | --check]";
const ROUNDS: usize = 11;

fn main() {
    let mut arguments = Arguments::of_bench("lox");
    let rounds = arguments.value("--rounds").unwrap_or(ROUNDS).max(1);
    let only: Option<String> = arguments.value("--only");
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
    time(&programs, &interpreters.try_into().expect("all builds"), rounds);
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

/// Prints how long each build takes for each program, and how much memory.
fn time(programs: &[PathBuf], interpreters: &[PathBuf; BUILDS.len()], rounds: usize) {
    let names = BUILDS.each_ref().map(|build| build.name);
    let mut wall = Table::new(["program"].into_iter().chain(names).chain(["ratio", "spread"]));
    let mut user = Table::new(["program"].into_iter().chain(names).chain(["ratio"]));
    let mut peak = Table::new(["program"].into_iter().chain(names).chain(["ratio"]));
    for program in programs {
        let runs = race(interpreters, program, rounds);
        let walls = runs.each_ref().map(|runs| summary(runs, |run| run.wall));
        let medians = walls.map(|wall| 1e3 * wall.median);
        let spread = format!("{:.0}%", 100.0 * walls[0].relative_spread());
        wall.row(row(program, &medians, 1).into_iter().chain([spread]));
        let users = runs.each_ref().map(|runs| 1e3 * middle(runs, |run| run.user));
        user.row(row(program, &users, 1));
        let peaks = runs.each_ref().map(|runs| middle(runs, |run| run.peak) / 1e6);
        peak.row(row(program, &peaks, 1));
    }
    println!(
        "Wall time in ms, medians of {rounds} rounds; the ratio is to the best peer\n\n{wall}"
    );
    println!("User time in ms\n\n{user}");
    println!("Peak resident memory in MB\n\n{peak}");
}

/// Runs a program with all interpreters in turn, after one round that does not count and in which
/// their outputs are compared.
fn race<const N: usize>(
    interpreters: &[PathBuf; N],
    program: &Path,
    rounds: usize,
) -> [Vec<Run>; N] {
    let once = |interpreter: &PathBuf| {
        let mut command = Command::new(interpreter);
        command.arg(program);
        run(command)
            .unwrap_or_else(|error| complain(&format!("{}: {error}", interpreter.display())))
    };
    let first = interpreters.each_ref().map(once);
    for (run, Build { name: build, .. }) in first.iter().zip(BUILDS) {
        if run.code != Some(0) {
            complain(&format!("{} with {build} ended with {:?}", name(program), run.code));
        }
        if run.output != first[0].output {
            complain(&format!("{} with {build} printed something else", name(program)));
        }
    }
    let mut runs = [const { Vec::new() }; N];
    for round in 0..rounds {
        for turn in 0..N {
            let turn = (turn + round) % N;
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

/// A program's row: the values, and the ratio of the first to the least of the others.
fn row(program: &Path, values: &[f64], digits: usize) -> Vec<String> {
    let best = values[1..].iter().copied().fold(f64::INFINITY, f64::min);
    let cells = values.iter().map(|value| format!("{value:.digits$}"));
    let ratio = if best > 0.0 { format!("{:.2}", values[0] / best) } else { "-".to_owned() };
    [name(program)].into_iter().chain(cells).chain([ratio]).collect()
}
