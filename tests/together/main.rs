//! Tests that need no process of their own, in one: each has families of its own, and all that use memory run
//! one at a time.

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod arithmetic;
mod block_gaps;
mod bytes;
mod fixed_buffer;
mod free_all;
mod large_sets;
mod oracle;
mod promised;
mod resizing;
mod run_time;
mod serde;
mod thin;
