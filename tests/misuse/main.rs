//! What is done with pointers that were freed already, or should not have been freed.

#[path = "../common/mod.rs"]
mod common;

mod freed;
mod refused;
