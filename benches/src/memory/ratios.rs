//! Live objects of one size: resident bytes for each requested byte, and what stays of them.

use super::{Weighing, objects};
use crate::duel::thousands;
use crate::finding::Finding;
use crate::json::Json;
use crate::peers::HEAPS;
use crate::table::{Table, met};

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
/// Of these, one in so many is enough for a quick look.
const QUICK_STEP: usize = 3;
/// What is allowed above the design: one page for each block.
const ALLOWANCE: f64 = 4096.0 / 65536.0;
/// What may stay resident after a flush.
const FLUSHED: usize = 1 << 20;

/// Of many small objects: their size, how many, how many for a quick look, ...
const MANY: (usize, usize, usize) = (24, 10_000_000, 1_000_000);
/// ... and how many resident bytes each requested byte may have.
const MANY_TARGET: f64 = 1.02;

/// The tables over all sizes.
#[must_use]
pub fn live_objects(quick: bool) -> Finding {
    let peers = || HEAPS.iter().skip(1).map(|heap| heap.name());
    let head = ["bytes", "requested", "resident", "ratio", "design", "", "allowed", ""];
    let mut live = Table::new(head.into_iter().chain(peers()));
    let names = HEAPS.iter().map(|heap| heap.name());
    let mut flushed = Table::new(["bytes"].into_iter().chain(names).chain([""]));
    let mut lines = Vec::new();

    for (size, design) in DESIGN.into_iter().step_by(if quick { QUICK_STEP } else { 1 }) {
        let count = objects(size);
        let requested = count * size;
        let weights = HEAPS.map(|heap| Weighing::Live(size, count).in_child(heap));
        let resident = weights.each_ref().map(|weight| weight.as_ref().map(|weight| weight[0]));
        let left = weights.each_ref().map(|weight| weight.as_ref().map(|weight| weight[2]));
        lines.extend(json(&format!("live {size} B"), resident, requested));
        lines.extend(json(&format!("given back {size} B"), left, 0));

        let ratio = |resident: usize| resident as f64 / requested as f64;
        let ours = resident[0].map(ratio);
        let allowed = design + ALLOWANCE;
        live.row(
            [size.to_string(), thousands(requested as u64)]
                .into_iter()
                .chain([cell(resident[0], |bytes| thousands(bytes as u64))])
                .chain([cell(ours, |ratio| format!("{ratio:.5}"))])
                .chain([format!("{design:.5}"), met(ours.is_some_and(|ours| ours <= design))])
                .chain([format!("{allowed:.5}"), met(ours.is_some_and(|ours| ours <= allowed))])
                .chain(resident[1..].iter().map(|&it| cell(it, |it| format!("{:.3}", ratio(it))))),
        );
        flushed.row(
            [size.to_string()]
                .into_iter()
                .chain(left.map(|left| cell(left, |bytes| (bytes >> 10).to_string())))
                .chain([met(left[0].is_some_and(|left| left <= FLUSHED))]),
        );
    }
    let text = format!(
        "Live objects of one size: resident bytes for each requested byte; famalloc beside what its \
         design has, and beside what is allowed: a page more for each block\n\n{live}\n\
         The same objects freed, and asked to give back: KiB above the baseline (famalloc: at most \
         {})\n\n{flushed}",
        FLUSHED >> 10
    );
    Finding { text, lines, residency: None }
}

/// The table over many small objects.
#[must_use]
pub fn many_small(quick: bool) -> Finding {
    let (size, count, quick_count) = MANY;
    let count = if quick { quick_count } else { count };
    let requested = count * size;
    let mut table = Table::new(["allocator", "requested", "resident", "ratio", "target", ""]);
    let resident =
        HEAPS.map(|heap| Weighing::Live(size, count).in_child(heap).map(|weight| weight[0]));
    for (heap, resident) in HEAPS.iter().zip(resident) {
        let ratio = resident.map(|resident| resident as f64 / requested as f64);
        table.row([
            heap.name().to_owned(),
            thousands(requested as u64),
            cell(resident, |bytes| thousands(bytes as u64)),
            cell(ratio, |ratio| format!("{ratio:.4}")),
            MANY_TARGET.to_string(),
            met(ratio.is_some_and(|ratio| ratio <= MANY_TARGET)),
        ]);
    }
    let many = thousands(count as u64);
    let text = format!(
        "{many} live objects of {size} B: resident bytes for each requested byte\n\n{table}"
    );
    let lines = json(&format!("live {many} x {size} B"), resident, requested);
    Finding { text, lines, residency: None }
}

/// What a table shows, where it is known.
fn cell<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("-".to_owned(), show)
}

/// The lines of one weighing of all heaps.
fn json(workload: &str, bytes: [Option<usize>; HEAPS.len()], ideal: usize) -> Vec<Json> {
    let known = HEAPS.iter().zip(bytes).filter_map(|(heap, bytes)| Some((heap.name(), bytes?)));
    known.map(|(heap, bytes)| json_line(workload, heap, bytes, ideal)).collect()
}

/// A line of JSON about memory.
pub(super) fn json_line(workload: &str, allocator: &str, bytes: usize, ideal: usize) -> Json {
    Json::Object(vec![
        ("workload", workload.into()),
        ("allocator", allocator.into()),
        ("bytes", (bytes as f64).into()),
        ("ideal_bytes", (ideal as f64).into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weighing_is_a_line_for_each_heap_that_came_to_a_good_end() {
        let mut bytes = HEAPS.map(|_| Some(120));
        bytes[2] = None;
        let lines: Vec<_> = json("live 1 B", bytes, 100).iter().map(Json::to_string).collect();
        let expected =
            r#"{"workload":"live 1 B","allocator":"famalloc","bytes":120,"ideal_bytes":100}"#;
        assert_eq!(lines[0], expected);
        assert_eq!(lines.len(), HEAPS.len() - 1);
        assert!(!lines.iter().any(|line| line.contains(HEAPS[2].name())));
    }
}
