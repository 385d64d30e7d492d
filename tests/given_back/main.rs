//! What goes back to a page source, and when: by itself, on request, and as the options say.

#[path = "../common/mod.rs"]
mod common;

mod options;
mod purge;
mod reclaim;
