//! The figure of cost against live objects, from the rows that are called
//! `KIND, COUNT live SIZE B`: a panel for each kind.

use super::axis::Axis;
use super::{Figure, Line, Panel};
use crate::race::{Outcome, Role};

/// The figure, where there are such rows.
#[must_use]
pub fn growth<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Option<String> {
    let mut panels: Vec<(String, Vec<Line>)> = Vec::new();
    for outcome in outcomes.into_iter().filter(|outcome| !outcome.is_lap) {
        let Some((kind, live)) = kind_and_live(&outcome.workload) else { continue };
        let place = panels.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            panels.push((kind, Vec::new()));
            panels.len() - 1
        });
        let lines = &mut panels[place].1;
        for (allocator, role, time) in &outcome.times {
            if *role == Role::Limit {
                continue;
            }
            let point = (live as f64, time.median);
            match lines.iter_mut().find(|line| line.allocator == *allocator) {
                Some(line) => line.points.push(point),
                None => {
                    let allocator = (*allocator).to_owned();
                    lines.push(Line { allocator, points: vec![point] });
                }
            }
        }
    }
    let panel = |(title, mut lines): (String, Vec<Line>)| {
        for line in &mut lines {
            line.points.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        }
        let points = || lines.iter().flat_map(|line| &line.points);
        let x = Axis::logarithmic("live objects", points().map(|point| point.0));
        let y = Axis::logarithmic("ns for each operation", points().map(|point| point.1));
        Panel { title, x, y, lines }
    };
    let panels: Vec<_> = panels.into_iter().map(panel).collect();
    let title = "Cost against live objects".to_owned();
    (!panels.is_empty()).then(|| Figure { title, panels }.svg())
}

/// What a row is about, without the number of live objects, and that number.
fn kind_and_live(name: &str) -> Option<(String, u64)> {
    let (kind, rest) = name.split_once(", ")?;
    let (count, size) = rest.split_once(" live ")?;
    let live = count.replace(',', "").parse().ok()?;
    size.strip_suffix(" B")?.parse::<u64>().ok()?;
    Some((format!("{kind}, {size}"), live))
}

#[cfg(test)]
mod tests {
    use super::super::svg::parsed;
    use super::*;
    use crate::stats::Summary;

    fn outcome(workload: &str, times: [f64; 3]) -> Outcome {
        let summary = |median| Summary { median, spread: 0.0 };
        Outcome {
            workload: workload.to_owned(),
            is_lap: false,
            threads: 1,
            rounds: 3,
            times: vec![
                ("famalloc", Role::Ours, summary(times[0])),
                ("system", Role::Peer, summary(times[1])),
                ("bump", Role::Limit, summary(times[2])),
            ],
        }
    }

    #[test]
    fn names_of_rows_tell_the_count() {
        let known = |kind: &str, live| Some((kind.to_owned(), live));
        assert_eq!(kind_and_live("pair, 1,000 live 48 B"), known("pair, 48 B", 1000));
        assert_eq!(kind_and_live("churn, 10,000,000 live 16 B"), known("churn, 16 B", 10_000_000));
        for other in ["pair 48 B", "churn, many live 48 B", "pair, 10 live ones", "a, 5 live 4"] {
            assert_eq!(kind_and_live(other), None, "{other}");
        }
    }

    #[test]
    fn a_kind_is_a_panel_with_its_points_in_order() {
        let outcomes = [
            outcome("pair, 100,000 live 48 B", [10.0, 20.0, 0.01]),
            outcome("pair, 1,000 live 48 B", [1.0, 2.0, 0.01]),
            outcome("pair 48 B", [900.0, 900.0, 900.0]),
            outcome("churn, 1,000 live 48 B", [3.0, 3.0, 0.01]),
        ];
        let elements = parsed(&growth(&outcomes).unwrap());
        let count = |wanted: &str| elements.iter().filter(|it| it.text == wanted).count();
        assert_eq!(["pair, 48 B", "churn, 48 B", "bump", "100,000"].map(count), [1, 1, 0, 1]);
        assert_eq!(count("ns for each operation"), 2);
        // From 1 to 20 ns, and from 1,000 to 100,000 objects: the upper line ends in a corner, and
        // the lower one begins in the other.
        let paths: Vec<Vec<(f64, f64)>> = elements
            .iter()
            .filter(|element| element.value("stroke-linejoin").is_some())
            .map(|element| {
                let pair = |pair: &str| {
                    let (x, y) = pair.split_once(',').unwrap();
                    (x.parse().unwrap(), y.parse().unwrap())
                };
                element.value("points").unwrap().split(' ').map(pair).collect()
            })
            .collect();
        let (system, ours) = (&paths[0], &paths[1]);
        assert!(ours[0].0 < ours[1].0 && ours[0].1 > ours[1].1, "{ours:?}");
        assert_eq!((ours[0].0, ours[1].0), (system[0].0, system[1].0));
        assert!(system[1].1 < ours[1].1 && system[0].1 < ours[0].1);
    }

    #[test]
    fn without_such_rows_there_is_no_figure() {
        assert!(growth(&[outcome("pair 48 B", [1.0, 2.0, 3.0])]).is_none());
    }
}
