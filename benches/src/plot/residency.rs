//! The figure of residency over the phases: a panel for each program.

use super::axis::Axis;
use super::{Figure, Line, Panel};
use crate::memory::Residency;

/// The figure, where a program was run.
#[must_use]
pub fn residency(residencies: &[Residency]) -> Option<String> {
    let panels: Vec<_> = residencies.iter().map(panel).collect();
    let title = "Resident bytes for each live byte, after the allocator was asked to give back";
    (!panels.is_empty()).then(|| Figure { title: title.to_owned(), panels }.svg())
}

fn panel(residency: &Residency) -> Panel {
    let lines: Vec<_> = (residency.phases.iter())
        .map(|(allocator, phases)| {
            let points =
                (1..).zip(phases).map(|(number, phase)| (f64::from(number), phase.ratio()));
            Line { allocator: (*allocator).to_owned(), points: points.collect() }
        })
        .collect();
    // From 1 on, which is as low as it can be.
    let ratios = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let y = Axis::logarithmic("resident / live", [1.0].into_iter().chain(ratios));
    let program = residency.program;
    Panel {
        title: program.name.to_owned(),
        x: Axis::numbers(program.phase, program.phases),
        y,
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::super::svg::parsed;
    use super::*;
    use crate::memory::{PROGRAMS, Phase};

    #[test]
    fn a_program_is_a_panel_with_a_point_for_each_phase() {
        let phases = [150, 120, 110].map(|resident| Phase { live: 100, resident }).to_vec();
        let residency = PROGRAMS
            .map(|program| Residency { program, phases: vec![("famalloc", phases.clone())] });
        let elements = parsed(&super::residency(&residency).unwrap());
        let points = elements.iter().filter(|element| element.name == "circle").count();
        assert_eq!(points, 3 * PROGRAMS.len());
        for program in PROGRAMS {
            for wanted in [program.name, program.phase] {
                assert!(elements.iter().any(|element| element.text == wanted), "{wanted}");
            }
        }
    }

    #[test]
    fn the_ratio_is_drawn_from_one_on() {
        let phases = vec![Phase { live: 100, resident: 200 }];
        let panel = panel(&Residency { program: PROGRAMS[0], phases: vec![("famalloc", phases)] });
        assert_eq!(panel.lines[0].points, [(1.0, 2.0)]);
        assert_eq!((panel.y.place(1.0), panel.y.place(2.0)), (0.0, 1.0));
    }

    #[test]
    fn without_programs_there_is_no_figure() {
        assert!(super::residency(&[]).is_none());
    }
}
