//! What threads do to each other, and to what is on its way between them: slots, magazines, counted handles.

#[path = "../common/mod.rs"]
mod common;

mod arc;
mod magazine_flush;
mod magazines;
mod threads;
