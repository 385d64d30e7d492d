//! The built interpreter on programs: what it prints, says and ends with.

mod common;

mod errors;
mod language;
mod limits;
mod programs;
mod session;
