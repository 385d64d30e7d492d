//! Memory: resident bytes for each requested byte, what stays after a flush, and what stays after
//! each phase of a program, famalloc beside the peers.
//!
//! Every weighing is a child process: this program started again with `--child`. `--only ratio`
//! and `--only phases` do a part.

use std::process::{Command, Stdio};

use famalloc_bench::allocator::Heap;
use famalloc_bench::command::{Arguments, complain};
use famalloc_bench::memory::{PHASES, objects, run_phases, weigh};
use famalloc_bench::peers::HEAPS;
use famalloc_bench::table::Table;

const USAGE: &str = "cargo bench -p famalloc-bench --bench memory -- [--only ratio|phases]";

/// The sizes, and what the design's ratio table has for each. It has no row for 32 bytes; that is
/// the row for 64, the greater of its neighbours.
const DESIGN: [(usize, f64); 14] = [
    (1, 1.024),
    (2, 1.00023),
    (4, 1.000_034),
    (8, 1.000_038),
    (16, 1.000_045_8),
    (32, 1.000_06),
    (64, 1.000_06),
    (128, 1.000_12),
    (256, 1.000_24),
    (512, 1.0005),
    (1024, 1.001),
    (2048, 1.002),
    (4096, 1.004),
    (8192, 1.004),
];
/// What is allowed above the design: one page for each block.
const ALLOWANCE: f64 = 4096.0 / 65536.0;
/// What may stay resident after a flush.
const FLUSHED: usize = 1 << 20;

fn main() {
    let mut arguments = Arguments::of_bench("memory");
    if arguments.flag("--child") {
        return child(&arguments.rest());
    }
    let only: Option<String> = arguments.value("--only");
    arguments.done(USAGE);
    match only.as_deref() {
        None => {
            ratios();
            phases();
        }
        Some("ratio") => ratios(),
        Some("phases") => phases(),
        Some(other) => complain(&format!("there is no part {other}\nusage: {USAGE}")),
    }
}

/// Weighs one thing, as the arguments say, and prints the numbers in one line.
fn child(arguments: &[String]) {
    let [part, heap, size] = arguments else { complain("--child PART HEAP SIZE") };
    let Some(heap) = HEAPS.iter().find(|known| known.name() == heap) else {
        complain(&format!("no heap {heap}"))
    };
    let numbers = match part.as_str() {
        "ratio" => {
            let weight = weigh(*heap, size.parse().expect("the size is a number"));
            vec![weight.live, weight.freed, weight.given_back]
        }
        _ => run_phases(*heap).iter().flat_map(|phase| [phase.live, phase.resident]).collect(),
    };
    println!("{}", numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" "));
}

/// What a child of its own prints for one weighing.
fn in_child(part: &str, heap: &dyn Heap, size: usize) -> Vec<usize> {
    let program = std::env::current_exe().expect("this program is a file");
    let mut command = Command::new(program);
    command.args(["--child", part, heap.name(), &size.to_string()]).stderr(Stdio::inherit());
    let output = command.output().expect("this program can be started again");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Result<Vec<_>, _> = text.split_whitespace().map(str::parse).collect();
    match numbers {
        Ok(numbers) if output.status.success() => numbers,
        _ => complain(&format!("{part} of {}, {size} bytes: {}", heap.name(), output.status)),
    }
}

/// The tables about live objects of one size.
fn ratios() {
    let peers = || HEAPS.iter().skip(1).map(|heap| heap.name());
    let head = ["bytes", "requested", "resident", "ratio", "design", "allowed", ""];
    let mut live = Table::new(head.into_iter().chain(peers()));
    let names = HEAPS.iter().map(|heap| heap.name());
    let mut flushed = Table::new(["bytes"].into_iter().chain(names).chain([""]));

    for (size, design) in DESIGN {
        let requested = objects(size) * size;
        let weights = HEAPS.map(|heap| in_child("ratio", heap, size));
        let ratio = |weight: &Vec<usize>| weight[0] as f64 / requested as f64;
        let allowed = design + ALLOWANCE;
        let mut row = vec![size.to_string(), requested.to_string(), weights[0][0].to_string()];
        row.extend([ratio(&weights[0]), design, allowed].map(|ratio| format!("{ratio:.5}")));
        row.push(met(ratio(&weights[0]) <= allowed));
        row.extend(weights[1..].iter().map(|weight| format!("{:.3}", ratio(weight))));
        live.row(row);

        let mut row = vec![size.to_string()];
        row.extend(weights.iter().map(|weight| (weight[2] >> 10).to_string()));
        row.push(met(weights[0][2] <= FLUSHED));
        flushed.row(row);
    }
    println!("Live objects: resident bytes for each requested byte\n\n{live}");
    println!(
        "All freed, and asked to give back: KiB above the baseline (famalloc: at most {})\n\n{flushed}",
        FLUSHED >> 10
    );
}

/// The table about the program in phases.
fn phases() {
    let phases = (1..=PHASES).map(|phase| format!("phase {phase}"));
    let mut table = Table::new(["allocator".to_owned()].into_iter().chain(phases));
    let mut live = Vec::new();
    for heap in HEAPS {
        let numbers = in_child("phases", heap, 0);
        let ratio = |phase: &[usize]| format!("{:.2}", phase[1] as f64 / phase[0] as f64);
        table.row([heap.name().to_owned()].into_iter().chain(numbers.chunks(2).map(ratio)));
        live = numbers.chunks(2).map(|phase| format!("{:.1}", phase[0] as f64 / 1e6)).collect();
    }
    table.row(["(live, MB)".to_owned()].into_iter().chain(live));
    println!("A program in phases: resident bytes for each live byte after a phase\n\n{table}");
}

fn met(met: bool) -> String {
    if met { "met" } else { "NOT met" }.to_owned()
}
