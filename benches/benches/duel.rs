//! The duel: every workload over famalloc and its peers, interleaved, one table for each group.
//!
//! `--only NAME` runs one group or the workloads whose name has NAME in it, `--quick` takes under
//! two minutes, `--threads N` sets the threads of the rows with threads, `--json FILE` writes the
//! numbers down as well, `--list` names the workloads.

use std::fs::File;
use std::io::BufWriter;
use std::thread;
use std::time::Instant;

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::duel::{Group, Report, Scale, contests};

const USAGE: &str = "cargo bench -p famalloc-bench --bench duel -- [--only NAME] [--quick] \
                     [--threads N] [--json FILE] [--list]";
/// Rows with threads have this many at most, unless `--threads` says otherwise.
const MOST_THREADS: usize = 16;

fn main() {
    let mut arguments = Arguments::of_bench("duel");
    let quick = arguments.flag("--quick");
    let list = arguments.flag("--list");
    let only: Option<String> = arguments.value("--only");
    let json: Option<String> = arguments.value("--json");
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let threads = arguments.value("--threads").unwrap_or(cores.clamp(2, MOST_THREADS));
    arguments.done(USAGE);
    if threads < 2 {
        complain("rows with threads have 2 at least");
    }

    let scale = Scale { quick, threads };
    let mut contests = contests(scale);
    if let Some(only) = &only {
        contests.retain(|contest| contest.is_meant_by(only));
        if contests.is_empty() {
            let groups = Group::ALL.map(Group::name).join(", ");
            complain(&format!(
                "nothing is called {only}; the groups are {groups}, and --list names the workloads"
            ));
        }
    }
    if list {
        for contest in &contests {
            println!("{}: {}", contest.group.name(), contest.name);
        }
        return;
    }

    let mut report = Report::default();
    let start = Instant::now();
    for contest in contests {
        let (group, name) = (contest.group, contest.name.clone());
        eprintln!("{:6.1} s  {}: {name}", start.elapsed().as_secs_f64(), group.name());
        report.add(group, contest.run(scale));
    }
    println!("ns for each operation, medians; ratio: famalloc to the best peer\n");
    for group in Group::ALL {
        if let Some(table) = report.table(group) {
            println!("{}\n\n{table}", group.name());
            let notes = report.notes(group);
            notes.iter().for_each(|note| println!("{note}"));
            if !notes.is_empty() {
                println!();
            }
        }
    }
    if let Some(file) = json {
        let written = File::create(&file).and_then(|file| report.write_json(BufWriter::new(file)));
        if let Err(error) = written {
            complain(&format!("cannot write {file}: {error}"));
        }
    }
    println!("{}", report.verdict());
}
