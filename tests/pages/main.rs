//! What page sources are asked, and what they refuse: memory comes from them and goes back to them, by itself, on
//! request, and as the options say.

#[path = "../common/mod.rs"]
mod common;

mod options;
mod page_source;
mod purge;
mod reclaim;
