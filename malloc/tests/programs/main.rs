//! Real programs, once with the plain allocator and once with the library loaded before it: interpreters
//! and their own test suites, compilers, databases, a server, version control, the tools of a shell.
//! Both runs must end alike and write the same, byte for byte: on standard output, on standard error,
//! and in files. See `harness` for how it is made sure that the library serves the programs at all.
//!
//! What the machine lacks is left out, and said so. Where `CI` is set it fails the test instead.

#![cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]

#[path = "../common/mod.rs"]
mod common;
mod compilers;
mod harness;
mod interpreters;
mod redis;
mod tools;
