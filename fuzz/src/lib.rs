//! What the fuzz targets do. Each target reads its input as a sequence of operations, does them to the
//! library and to a model of it, and compares.
//!
//! | target | operations on | compared with |
//! |---|---|---|
//! | [`heap`] | every call of the core, on several threads, over a page source that fails | a list of ranges and their contents |
//! | [`regions`] | regions of every kind, nested, with checkpoints and sweeps | a list of ranges and their contents |
//! | [`pools`] | pools, their fronts and what is detached, on several threads | who has which object |
//! | [`collections`] | small vectors, text, vectors and maps | those of the standard library |
//! | [`calls`] | the C functions | a list of ranges and their contents |
//! | [`expansion`] | `#[alloc_family]`, given any tokens | it ends, and what it makes is Rust |
//! | [`programs`] | the Lox interpreter, given any source | it ends, and has lost nothing |
//!
//! An operation is a byte or a few; what follows from the rest of an input does not depend on it, so that
//! the fuzzer can cut and splice. An input that ends in the midst of an operation ends there.

pub mod calls;
pub mod collections;
pub mod counting;
pub mod expansion;
pub mod heap;
pub mod input;
pub mod memory;
pub mod pools;
pub mod programs;
pub mod regions;
pub mod source;
