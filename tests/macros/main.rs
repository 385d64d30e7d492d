//! What `#[alloc_family]` expands to, wherever it stands. What it refuses is in `compile_fail`.

mod expansion;
mod hygiene;
mod no_prelude;
mod places;
mod rules;
mod shadowed;
