//! The duel: every workload over famalloc and its peers, interleaved, one table for each group.
//!
//! `--only NAME` runs one group or the workloads whose name has NAME in it, `--quick` takes under
//! two minutes, `--threads N` sets the threads of the rows with threads, `--json FILE` writes the
//! numbers down as well, `--plots DIR` draws them, `--list` names the workloads.
//!
//! What is weighed is weighed in a process of its own: this program again, with `--child`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::duel::{Group, Report, Scale, contests, studies};
use famalloc_bench::finding::Finding;
use famalloc_bench::{memory, plot};

const USAGE: &str = "cargo bench -p famalloc-bench --bench duel -- [--only NAME] [--quick] \
                     [--threads N] [--json FILE] [--plots DIR] [--list]";
/// Rows with threads have this many at most, unless `--threads` says otherwise.
const MOST_THREADS: usize = 16;

fn main() {
    let mut arguments = Arguments::of_bench("duel");
    if arguments.flag("--child") {
        return memory::child(&arguments.rest());
    }
    let quick = arguments.flag("--quick");
    let list = arguments.flag("--list");
    let only: Option<String> = arguments.value("--only");
    let json: Option<String> = arguments.value("--json");
    let plots: Option<PathBuf> = arguments.value("--plots");
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let threads = arguments.value("--threads").unwrap_or(cores.clamp(2, MOST_THREADS));
    arguments.done(USAGE);
    if threads < 2 {
        complain("rows with threads have 2 at least");
    }

    let scale = Scale { quick, threads };
    let (mut contests, mut studies) = (contests(scale), studies(scale));
    if let Some(only) = &only {
        contests.retain(|contest| contest.is_meant_by(only));
        studies.retain(|study| study.is_meant_by(only));
        if contests.is_empty() && studies.is_empty() {
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
        for study in &studies {
            println!("{}: {}", study.group.name(), study.name);
        }
        return;
    }

    // Where it is to be written is found out before anything is measured.
    let json = json.map(|file| {
        File::create(&file)
            .unwrap_or_else(|error| complain(&format!("cannot write {file}: {error}")))
    });
    if let Some(folder) = &plots
        && let Err(error) = fs::create_dir_all(folder)
    {
        complain(&format!("cannot make {}: {error}", folder.display()));
    }

    let mut report = Report::default();
    let start = Instant::now();
    // The studies first: to ask the system's allocator for its unused memory takes long in a process
    // that has raced, and one of them does so over and over.
    let mut findings = Vec::new();
    for study in studies {
        let group = study.group.name();
        eprintln!("{:6.1} s  {group}: {}", start.elapsed().as_secs_f64(), study.name);
        findings.push(study.run());
    }
    for contest in contests {
        let (group, name) = (contest.group, contest.name.clone());
        eprintln!("{:6.1} s  {}: {name}", start.elapsed().as_secs_f64(), group.name());
        report.add(group, contest.run(scale));
    }
    if report.outcomes().next().is_some() {
        println!("ns for each operation, medians; ratio: famalloc to the best peer\n");
    }
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
    for finding in &findings {
        println!("{}", finding.text);
    }
    if let Some(lap) = report.worst_lap() {
        println!("worst phase of a sequence: {lap}");
    }
    println!("{}", report.verdict());

    let written = json.map_or(Ok(()), |file| {
        let mut writer = BufWriter::new(file);
        report.write_json(&mut writer)?;
        findings.iter().try_for_each(|finding| finding.write_json(&mut writer))?;
        writer.flush()
    });
    if let Err(error) = written {
        complain(&format!("cannot write the numbers: {error}"));
    }
    if let Some(folder) = plots
        && let Err(error) = draw(&folder, &report, findings)
    {
        complain(&format!("cannot draw in {}: {error}", folder.display()));
    }
}

/// Draws the figures for which there are numbers.
fn draw(folder: &Path, report: &Report, findings: Vec<Finding>) -> io::Result<()> {
    let residencies: Vec<_> = findings.into_iter().filter_map(|it| it.residency).collect();
    let figures = [
        ("growth.svg", plot::growth(report.outcomes())),
        ("residency.svg", plot::residency(&residencies)),
    ];
    for (file, figure) in figures {
        if let Some(figure) = figure {
            fs::write(folder.join(file), figure)?;
        }
    }
    Ok(())
}
