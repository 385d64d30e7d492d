//! The layout of a figure.
//!
//! ```text
//!  title
//!  -- famalloc  -- system  ...                           legend
//!
//!   panel              panel
//!  y|      ___ system   y|   __________ system
//!   |  ___/             |  _/_________ jemalloc          labels at the ends of the lines,
//!   |_/____ famalloc    |_/___________ famalloc          moved apart where they would overlap
//!   +-------            +-------------
//!       x                     x
//! ```

use super::axis::tick_text;
use super::spread::spread;
use super::svg::Svg;
use super::{Figure, Line, Panel};
use crate::allocator::Allocator;
use crate::peers::Famalloc;

/// What surrounds the figure.
const MARGIN: f64 = 16.0;
/// The height of title and legend.
const HEAD: f64 = 64.0;
/// The plots themselves.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 280.0;
/// Left of a plot: the ticks and the axis's label.
const LEFT: f64 = 60.0;
/// Right of a plot: the names of the lines.
const RIGHT: f64 = 88.0;
/// Above a plot: its title.
const TOP: f64 = 26.0;
/// Below a plot: the ticks and the axis's label.
const BOTTOM: f64 = 46.0;
/// Names of lines are at least so far apart.
const NAME_HEIGHT: f64 = 14.0;

const TEXT: &str = "#222222";
const FAINT: &str = "#dddddd";
/// famalloc's colour, ...
const OURS: &str = "#d62728";
/// ... and those of the others, as they come.
const OTHERS: [&str; 8] =
    ["#6b6b6b", "#1f77b4", "#2a8a2a", "#8257b0", "#8c564b", "#d0519f", "#8a7a00", "#0f8f9c"];
/// From here on the others' lines are dashed, so that one that lies under them is seen.
const DASHED: usize = 4;

impl Figure {
    /// The image.
    pub(super) fn svg(&self) -> String {
        let panel_width = LEFT + WIDTH + RIGHT;
        let width = 2.0 * MARGIN + panel_width * self.panels.len() as f64;
        let height = 2.0 * MARGIN + HEAD + TOP + HEIGHT + BOTTOM;
        let mut svg = Svg::new(width, height);
        // The page behind may be dark.
        svg.element("rect", &[("width", &width), ("height", &height), ("fill", &"#ffffff")]);
        svg.text(
            &self.title,
            &[
                ("x", &MARGIN),
                ("y", &(MARGIN + 14.0)),
                ("font-size", &15),
                ("font-weight", &"bold"),
                ("fill", &TEXT),
            ],
        );
        self.legend(&mut svg);
        for (number, panel) in self.panels.iter().enumerate() {
            let left = MARGIN + panel_width * number as f64 + LEFT;
            self.panel(&mut svg, panel, left, MARGIN + HEAD + TOP);
        }
        svg.finish()
    }

    /// The allocators of all panels, as they come.
    fn allocators(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for line in self.panels.iter().flat_map(|panel| &panel.lines) {
            if !names.contains(&line.allocator.as_str()) {
                names.push(&line.allocator);
            }
        }
        names
    }

    /// The colour of an allocator's line, and its dashes.
    fn style(&self, allocator: &str) -> (&'static str, &'static str) {
        if allocator == Famalloc::NAME {
            return (OURS, "none");
        }
        let mut others = self.allocators();
        others.retain(|&name| name != Famalloc::NAME);
        let place = others.iter().position(|&name| name == allocator).unwrap_or(0);
        (OTHERS[place % OTHERS.len()], if place < DASHED { "none" } else { "6 3" })
    }

    fn legend(&self, svg: &mut Svg) {
        let y = MARGIN + 40.0;
        let mut x = MARGIN;
        for allocator in self.allocators() {
            let (colour, dashes) = self.style(allocator);
            svg.element(
                "line",
                &[
                    ("x1", &x),
                    ("y1", &(y - 4.0)),
                    ("x2", &(x + 20.0)),
                    ("y2", &(y - 4.0)),
                    ("stroke", &colour),
                    ("stroke-width", &stroke(allocator)),
                    ("stroke-dasharray", &dashes),
                ],
            );
            svg.text(allocator, &[("x", &(x + 26.0)), ("y", &y), ("fill", &TEXT)]);
            x += 26.0 + 7.0 * allocator.chars().count() as f64 + 18.0;
        }
    }

    fn panel(&self, svg: &mut Svg, panel: &Panel, left: f64, top: f64) {
        let bottom = top + HEIGHT;
        svg.text(
            &panel.title,
            &[
                ("x", &left),
                ("y", &(top - 10.0)),
                ("font-size", &13),
                ("font-weight", &"bold"),
                ("fill", &TEXT),
            ],
        );
        panel.grid(svg, left, top);
        let middle = left + WIDTH / 2.0;
        svg.text(
            &panel.x.label,
            &[("x", &middle), ("y", &(bottom + 36.0)), ("text-anchor", &"middle"), ("fill", &TEXT)],
        );
        let (x, y) = (left - 46.0, top + HEIGHT / 2.0);
        svg.text(
            &panel.y.label,
            &[
                ("transform", &format!("translate({x} {y}) rotate(-90)")),
                ("text-anchor", &"middle"),
                ("fill", &TEXT),
            ],
        );

        // Ours is drawn last, above the others.
        let (ours, others): (Vec<_>, Vec<_>) =
            panel.lines.iter().partition(|line| line.allocator == Famalloc::NAME);
        let lines: Vec<&Line> =
            others.into_iter().chain(ours).filter(|it| !it.is_empty()).collect();
        let ends: Vec<f64> = lines
            .iter()
            .map(|line| panel.spot(line.points[line.points.len() - 1], left, top).1)
            .collect();
        let names = spread(&ends, NAME_HEIGHT, top, bottom);
        for (line, name) in lines.into_iter().zip(names) {
            self.line(svg, panel, line, (left, top), name);
        }
    }

    /// A line, its points, and its name at this height, tied to its last point.
    fn line(&self, svg: &mut Svg, panel: &Panel, line: &Line, (left, top): (f64, f64), name: f64) {
        let (colour, dashes) = self.style(&line.allocator);
        let spots: Vec<_> = line.points.iter().map(|&point| panel.spot(point, left, top)).collect();
        let points: Vec<_> = spots.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let width = stroke(&line.allocator);
        svg.element(
            "polyline",
            &[
                ("points", &points.join(" ")),
                ("fill", &"none"),
                ("stroke", &colour),
                ("stroke-width", &width),
                ("stroke-linejoin", &"round"),
                ("stroke-dasharray", &dashes),
            ],
        );
        for (x, y) in &spots {
            svg.element(
                "circle",
                &[
                    ("cx", &format!("{x:.1}")),
                    ("cy", &format!("{y:.1}")),
                    ("r", &(width + 0.6)),
                    ("fill", &colour),
                ],
            );
        }
        let (x, y) = spots[spots.len() - 1];
        let right = left + WIDTH;
        svg.element(
            "polyline",
            &[
                (
                    "points",
                    &format!(
                        "{x:.1},{y:.1} {:.1},{y:.1} {:.1},{name:.1}",
                        right + 4.0,
                        right + 14.0
                    ),
                ),
                ("fill", &"none"),
                ("stroke", &colour),
                ("stroke-width", &0.7),
                ("stroke-opacity", &0.6),
            ],
        );
        let weight = if line.allocator == Famalloc::NAME { "bold" } else { "normal" };
        svg.text(
            &line.allocator,
            &[
                ("x", &(right + 17.0)),
                ("y", &format!("{:.1}", name + 4.0)),
                ("fill", &colour),
                ("font-weight", &weight),
            ],
        );
    }
}

impl Panel {
    /// Where a point lies in the image.
    fn spot(&self, (x, y): (f64, f64), left: f64, top: f64) -> (f64, f64) {
        (left + WIDTH * self.x.place(x), top + HEIGHT * (1.0 - self.y.place(y)))
    }

    /// The axes, with a faint line for each tick.
    fn grid(&self, svg: &mut Svg, left: f64, top: f64) {
        let (right, bottom) = (left + WIDTH, top + HEIGHT);
        let mut rule = |x1: f64, y1: f64, x2: f64, y2: f64, colour: &str| {
            svg.element(
                "line",
                &[
                    ("x1", &format!("{x1:.1}")),
                    ("y1", &format!("{y1:.1}")),
                    ("x2", &format!("{x2:.1}")),
                    ("y2", &format!("{y2:.1}")),
                    ("stroke", &colour),
                ],
            );
        };
        let across = |value: f64| left + WIDTH * self.x.place(value);
        let up = |value: f64| bottom - HEIGHT * self.y.place(value);
        self.x.ticks.iter().for_each(|&tick| rule(across(tick), top, across(tick), bottom, FAINT));
        self.y.ticks.iter().for_each(|&tick| rule(left, up(tick), right, up(tick), FAINT));
        rule(left, bottom, right, bottom, TEXT);
        rule(left, top, left, bottom, TEXT);
        for &tick in &self.x.ticks {
            svg.text(
                &tick_text(tick),
                &[
                    ("x", &format!("{:.1}", across(tick))),
                    ("y", &(bottom + 17.0)),
                    ("text-anchor", &"middle"),
                    ("fill", &TEXT),
                ],
            );
        }
        for &tick in &self.y.ticks {
            svg.text(
                &tick_text(tick),
                &[
                    ("x", &(left - 7.0)),
                    ("y", &format!("{:.1}", up(tick) + 4.0)),
                    ("text-anchor", &"end"),
                    ("fill", &TEXT),
                ],
            );
        }
    }
}

impl Line {
    fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

/// How thick the line of an allocator is.
fn stroke(allocator: &str) -> f64 {
    if allocator == Famalloc::NAME { 3.0 } else { 1.5 }
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::super::svg::parsed;
    use super::*;

    fn line(allocator: &str, points: &[(f64, f64)]) -> Line {
        Line { allocator: allocator.to_owned(), points: points.to_vec() }
    }

    fn figure() -> Figure {
        let panel = |title: &str| Panel {
            title: title.to_owned(),
            x: Axis::logarithmic("live", [1e3, 1e7]),
            y: Axis::logarithmic("ns", [1.0, 100.0]),
            lines: vec![
                line("famalloc", &[(1e3, 1.0), (1e5, 10.0), (1e7, 100.0)]),
                line("a<b>&\"c\"", &[(1e3, 100.0), (1e4, 1.0)]),
                line("absent", &[]),
            ],
        };
        Figure { title: "cost & live".to_owned(), panels: vec![panel("pair"), panel("churn")] }
    }

    #[test]
    fn points_lie_where_the_axes_say() {
        let elements = parsed(&figure().svg());
        let paths: Vec<_> = elements
            .iter()
            .filter(|element| element.value("stroke-linejoin").is_some())
            .map(|element| element.value("points").unwrap())
            .collect();
        let (left, top) = (MARGIN + LEFT, MARGIN + HEAD + TOP);
        let at = |x: f64, y: f64| format!("{:.1},{:.1}", left + x * WIDTH, top + y * HEIGHT);
        let ours =
            |shift: f64| [at(shift, 1.0), at(shift + 0.5, 0.5), at(shift + 1.0, 0.0)].join(" ");
        let other = |shift: f64| [at(shift, 0.0), at(shift + 0.25, 1.0)].join(" ");
        let shift = (LEFT + WIDTH + RIGHT) / WIDTH;
        assert_eq!(paths, [other(0.0), ours(0.0), other(shift), ours(shift)]);
    }

    #[test]
    fn every_name_stands_in_the_legend_and_at_every_line() {
        let elements = parsed(&figure().svg());
        let count = |text: &str| elements.iter().filter(|element| element.text == text).count();
        assert_eq!(
            ["famalloc", "a<b>&\"c\"", "absent", "cost & live", "pair", "1,000"].map(count),
            [3, 3, 1, 1, 1, 2]
        );
    }

    #[test]
    fn nothing_lies_outside_the_image() {
        let elements = parsed(&figure().svg());
        let bound = |name| elements[0].value(name).unwrap().parse::<f64>().unwrap();
        let (width, height) = (bound("width"), bound("height"));
        for element in &elements {
            for (keys, most) in
                [(["x", "x1", "x2", "cx"], width), (["y", "y1", "y2", "cy"], height)]
            {
                for value in keys.into_iter().filter_map(|key| element.value(key)) {
                    let value: f64 = value.parse().unwrap();
                    assert!((0.0..=most).contains(&value), "{value} of {}", element.name);
                }
            }
        }
    }

    #[test]
    fn every_allocator_has_a_style_of_its_own() {
        let lines = (0..6).map(|number| line(&format!("peer {number}"), &[(1e3, 1.0)]));
        let mut figure = figure();
        figure.panels[1].lines = lines.collect();
        let styles: Vec<_> = figure.allocators().iter().map(|name| figure.style(name)).collect();
        assert_eq!(styles.len(), 9);
        assert_eq!(styles[0], (OURS, "none"));
        assert_eq!(styles[1], (OTHERS[0], "none"));
        for (number, style) in styles.iter().enumerate() {
            assert!(!styles[..number].contains(style), "{style:?} is taken");
        }
    }
}
