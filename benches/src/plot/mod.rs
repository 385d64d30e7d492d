//! Charts, as SVG files that the bench draws itself: a figure is a row of panels, a panel has two
//! axes and a line for each allocator.
//!
//! | module | what |
//! |---|---|
//! | `axis` | values to places, and which of them get a tick |
//! | `figure` | where panels, legend, lines and labels lie |
//! | `spread` | heights of names that would overlap |
//! | `svg` | elements and escaped text |
//! | `growth`, `residency` | the two figures: cost against live objects, residency over phases |

mod axis;
mod figure;
mod growth;
mod residency;
mod spread;
mod svg;

pub use growth::growth;
pub use residency::residency;

use axis::Axis;

/// A row of panels.
struct Figure {
    title: String,
    panels: Vec<Panel>,
}

/// Lines over the same two axes.
struct Panel {
    title: String,
    x: Axis,
    y: Axis,
    lines: Vec<Line>,
}

/// What an allocator did.
struct Line {
    allocator: String,
    points: Vec<(f64, f64)>,
}
