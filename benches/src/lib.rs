//! What the benchmarks have in common: allocators behind one trait, workloads that are written once
//! for all of them, and the little statistics and printing that the reports need.
//!
//! | module | what |
//! |---|---|
//! | [`allocator`] | the two traits: objects of a constant size, and layouts with a lifetime |
//! | [`peers`] | famalloc and the allocators beside it, one file each |
//! | [`workloads`] | what is timed: pair, batch, churn, walks, threads, families |
//! | [`duel`] | the rows of the duel, by group, and its report |
//! | [`race`] | workloads over all allocators, interleaved round by round |
//! | [`power_law`] | sizes as programs have them |
//! | [`memory`] | what is weighed: live objects, what stays after a flush, programs in phases |
//! | [`latency`] | single operations by the cycle counter: quantiles, and the longest |
//! | [`counts`] | instructions and cache misses of an operation, under valgrind |
//! | [`finding`] | what comes out of these two |
//! | [`plot`] | charts as SVG files |
//! | [`order`] | pseudo-random numbers and permutations, the same in every run |
//! | [`process`] | whole programs, and what a run of one costs |
//! | [`stats`] | median and spread |
//! | [`table`], [`json`] | the reports |
//! | [`command`] | command lines |
//!
//! The process's own global allocator is always the system's: the peers are called directly, so
//! that they all run side by side in one process, and the harness's own vectors disturb only the
//! system allocator (they are made before anything is measured, and are large enough to be mappings
//! of their own).

pub mod allocator;
pub mod command;
pub mod counts;
pub mod duel;
pub mod finding;
pub mod json;
pub mod latency;
pub mod lox;
pub mod memory;
pub mod order;
pub mod peers;
pub mod plot;
pub mod power_law;
pub mod process;
pub mod race;
pub mod stats;
pub mod table;
pub mod workloads;
