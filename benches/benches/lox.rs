//! Whole programs: the Lox interpreter of `examples/lox`, built five times, over famalloc with its
//! families and over plain boxes with each of the other allocators as the global one.
//!
//! The builds take turns, program by program and round by round. Times are those of the whole
//! process. `--rounds N` sets how many rounds there are, `--only PROGRAM` picks one program.

use std::path::{Path, PathBuf};
use std::process::Command;

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::process::{Run, run};
use famalloc_bench::stats::{Summary, median};
use famalloc_bench::table::Table;

const USAGE: &str = "cargo bench -p famalloc-bench --bench lox -- [--only PROGRAM] [--rounds N]";
const ROUNDS: usize = 11;

/// A build of the interpreter: its name, and cargo's arguments for it. The first is ours.
const BUILDS: [(&str, &[&str]); 5] = [
    ("families", &[]),
    ("system", &["--no-default-features", "--features", "plain"]),
    ("mimalloc", &["--no-default-features", "--features", "mimalloc"]),
    ("jemalloc", &["--no-default-features", "--features", "jemalloc"]),
    ("rallocator", &["--no-default-features", "--features", "rallocator"]),
];

fn main() {
    let mut arguments = Arguments::of_bench("lox");
    let rounds = arguments.value("--rounds").unwrap_or(ROUNDS).max(1);
    let only: Option<String> = arguments.value("--only");
    arguments.done(USAGE);

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut programs = programs(&workspace.join("examples/lox/programs"));
    if let Some(only) = only {
        programs.retain(|program| name(program) == only);
        if programs.is_empty() {
            complain(&format!("there is no program {only}\nusage: {USAGE}"));
        }
    }
    let interpreters = BUILDS.map(|(name, features)| build(&workspace, name, features));

    let names = BUILDS.map(|(name, _)| name);
    let mut wall = Table::new(["program"].into_iter().chain(names).chain(["ratio", "spread"]));
    let mut user = Table::new(["program"].into_iter().chain(names).chain(["ratio"]));
    let mut peak = Table::new(["program"].into_iter().chain(names).chain(["ratio"]));
    for program in &programs {
        let runs = race(&interpreters, program, rounds);
        let walls = runs.each_ref().map(|runs| summary(runs, |run| run.wall));
        let medians = walls.map(|wall| 1e3 * wall.median);
        let spread = format!("{:.0}%", 100.0 * walls[0].relative_spread());
        wall.row(row(program, medians, 1).into_iter().chain([spread]));
        user.row(row(program, runs.each_ref().map(|runs| 1e3 * middle(runs, |run| run.user)), 1));
        peak.row(row(program, runs.each_ref().map(|runs| middle(runs, |run| run.peak) / 1e6), 1));
    }
    println!(
        "Wall time in ms, medians of {rounds} rounds; the ratio is to the best peer\n\n{wall}"
    );
    println!("User time in ms\n\n{user}");
    println!("Peak resident memory in MB\n\n{peak}");
}

/// The Lox programs, by name.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        complain(&format!("there are no programs in {}", folder.display()))
    };
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut programs: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "lox")).collect();
    programs.sort();
    programs
}

fn name(program: &Path) -> String {
    program.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Builds the interpreter in a target folder of its own; gives back where it is.
fn build(workspace: &Path, name: &str, features: &[&str]) -> PathBuf {
    let target = workspace.join("target").join(format!("lox-{name}"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace).args(["build", "--release", "--quiet", "-p", "lox"]);
    command.args(features).arg("--target-dir").arg(&target);
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => complain(&format!("lox with {name} does not build: {status}")),
        Err(error) => complain(&format!("cargo does not start: {error}")),
    }
    target.join("release").join(format!("lox{}", std::env::consts::EXE_SUFFIX))
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
    for (run, (build, _)) in first.iter().zip(BUILDS) {
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
fn row(program: &Path, values: [f64; BUILDS.len()], digits: usize) -> Vec<String> {
    let best = values[1..].iter().copied().fold(f64::INFINITY, f64::min);
    let cells = values.iter().map(|value| format!("{value:.digits$}"));
    let ratio = if best > 0.0 { format!("{:.2}", values[0] / best) } else { "-".to_owned() };
    [name(program)].into_iter().chain(cells).chain([ratio]).collect()
}
