//! Small objects, at a glance: every workload and size over all allocators, interleaved, one table,
//! and whether famalloc meets its targets.
//!
//! `--quick` takes fewer rounds; `--json FILE` writes the numbers down as well.

use std::fs;

use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::event;
use famalloc_bench::json::Json;
use famalloc_bench::race::{self, Event, NAMES, Outcome};
use famalloc_bench::stats::Summary;
use famalloc_bench::table::Table;
use famalloc_bench::workloads::{Batch, Churn, Order, Pair, TwoThreads};

const USAGE: &str = "cargo bench -p famalloc-bench --bench first_light -- [--quick] [--json FILE]";

const PAIR: &str = "pair";
const LIFO: &str = "1,000 LIFO";
const FIFO: &str = "1,000 FIFO";
const RANDOM: &str = "1,000 random";
const TWO_THREADS: &str = "1,000 random, two threads";
const CHURN: &str = "churn in 1,000";
const BIG_CHURN: &str = "churn in 100,000";
/// The workloads in the order of the report.
const WORKLOADS: [&str; 7] = [PAIR, LIFO, FIFO, RANDOM, TWO_THREADS, CHURN, BIG_CHURN];

fn main() {
    let mut arguments = Arguments::of_bench("first_light");
    let quick = arguments.flag("--quick");
    let json: Option<String> = arguments.value("--json");
    arguments.done(USAGE);

    let rounds = if quick { 61 } else { 301 };
    let mut outcomes = Vec::new();
    outcomes.extend(all_workloads::<16>(rounds));
    outcomes.extend(all_workloads::<48>(rounds));
    outcomes.extend(all_workloads::<256>(rounds));
    outcomes.sort_by_key(|outcome| WORKLOADS.iter().position(|&name| name == outcome.workload));

    println!("ns for an allocate and a free, medians of {rounds} rounds\n\n{}", table(&outcomes));
    for verdict in verdicts(&outcomes) {
        println!("{verdict}");
    }
    if let Some(file) = json {
        let text = format!("{}\n", as_json(&outcomes, rounds));
        if let Err(error) = fs::write(&file, text) {
            complain(&format!("cannot write {file}: {error}"));
        }
    }
}

/// Races all workloads of one size. Those that are made together run in the same rounds, so that
/// they can be compared with each other; each group starts with nothing alive.
fn all_workloads<const SIZE: usize>(rounds: usize) -> Vec<Outcome> {
    let groups: [fn() -> Vec<Event>; 4] = [
        || vec![event!(PAIR, SIZE, Pair::new(); arena)],
        || {
            vec![
                event!(LIFO, SIZE, Batch::new(Order::Lifo); arena),
                event!(FIFO, SIZE, Batch::new(Order::Fifo); arena),
                event!(RANDOM, SIZE, Batch::new(Order::Random); arena),
                event!(TWO_THREADS, SIZE, TwoThreads::new(Order::Random); arena),
            ]
        },
        || vec![event!(CHURN, SIZE, Churn::new(1_000))],
        || vec![event!(BIG_CHURN, SIZE, Churn::new(100_000))],
    ];
    groups.iter().flat_map(|group| race::run(group(), rounds)).collect()
}

fn table(outcomes: &[Outcome]) -> Table {
    let head = ["workload", "bytes"].into_iter().chain(NAMES).chain(["ratio", "spread"]);
    let mut table = Table::new(head);
    for outcome in outcomes {
        let times = NAMES.iter().map(|name| match outcome.of(name) {
            Some(time) => format!("{:.2}", time.median),
            None => "-".to_owned(),
        });
        let spread = |summary: Summary| format!("{:.0}%", 100.0 * summary.relative_spread());
        let spreads = format!("{}, {}", spread(outcome.ours()), spread(outcome.best_peer().1));
        let mut cells = vec![outcome.workload.to_owned(), outcome.size.to_string()];
        cells.extend(times);
        cells.extend([format!("{:.2}", outcome.ratio()), spreads]);
        table.row(cells);
    }
    table
}

/// A line for each target: what was measured, what is asked, and whether it is met.
fn verdicts(outcomes: &[Outcome]) -> Vec<String> {
    let of = |workload: &str, size: usize| {
        let mut outcomes = outcomes.iter();
        outcomes
            .find(|outcome| outcome.workload == workload && outcome.size == size)
            .expect("every workload ran with every size")
    };
    let verdict = |what: String, ratio: f64, target: f64| {
        let met = if ratio <= target { "met" } else { "NOT met" };
        format!("{what}: {ratio:.2}, target {target:.2}: {met}")
    };
    let against = |outcome: &Outcome, target: f64| {
        let (peer, _) = outcome.best_peer();
        let what = format!("{}, {} bytes, of the time of {peer}", outcome.workload, outcome.size);
        verdict(what, outcome.ratio(), target)
    };

    let mut lines = vec![against(of(PAIR, 48), 1.0)];
    for size in [16, 48, 256] {
        lines.extend([LIFO, FIFO, RANDOM].map(|workload| against(of(workload, size), 0.6)));
    }
    for size in [16, 48, 256] {
        let ratio = of(TWO_THREADS, size).ours().median / of(RANDOM, size).ours().median;
        let what = format!("{TWO_THREADS}, {size} bytes, the slower of the time of one alone");
        lines.push(verdict(what, ratio, 1.1));
    }
    lines
}

fn as_json(outcomes: &[Outcome], rounds: usize) -> Json {
    let time = |&(name, time): &(&'static str, Summary)| {
        Json::Object(vec![
            ("allocator", name.into()),
            ("ns", time.median.into()),
            ("spread", time.spread.into()),
        ])
    };
    let outcome = |outcome: &Outcome| {
        Json::Object(vec![
            ("workload", outcome.workload.into()),
            ("bytes", (outcome.size as f64).into()),
            ("ratio", outcome.ratio().into()),
            ("times", Json::List(outcome.times.iter().map(time).collect())),
        ])
    };
    Json::Object(vec![
        ("rounds", (rounds as f64).into()),
        ("outcomes", Json::List(outcomes.iter().map(outcome).collect())),
    ])
}
