//! Faults from below and from above, each at every place where it can happen: a page source that fails, a
//! system with limits, no thread to be had, and panics in what the user's types do.

#![cfg(not(miri))]

#[path = "../common/mod.rs"]
mod common;

mod calls;
#[cfg(target_os = "linux")] // sets limits of the process
mod limits;
mod mix;
mod panics;
mod source;
