//! Regions: what they hand out, keep, sweep, refuse and give back.

#[path = "../common/mod.rs"]
mod common;

mod memory;
mod misuse;
mod oracle;
mod reuse;
mod sweep;
mod types;
