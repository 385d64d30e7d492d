//! Collections in families: they do what their counterparts in the standard library do, their memory
//! is the family's, and nothing is leaked or dropped twice whatever panics.

#[path = "../common/mod.rs"]
mod common;
#[path = "../family_box/common.rs"]
#[allow(dead_code, reason = "these tests use a part of it")]
mod ledger;

mod allocators;
mod construct;
mod growth;
mod hash;
mod homes;
mod text;
mod vec_api;
mod vec_model;
mod vec_panics;
