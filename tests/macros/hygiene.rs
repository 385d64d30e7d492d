//! `#[alloc_family]` in crates of other editions, under another name of famalloc, and in two crates of one
//! program with sets of one name: the packages in `tests/hygiene`, which are built by themselves here,
//! because in this build famalloc has its own name.

#![cfg(not(miri))]

#[path = "../common/cargo.rs"]
mod cargo;

#[test]
fn sets_of_one_name_live_together_whatever_famalloc_is_called() {
    let said = cargo::assert_succeeds("famalloc-hygiene", &["test", "--tests"]);
    assert!(said.contains("each_set_is_its_own ... ok"), "{said}");
    assert!(!said.contains("warning"), "{said}");
}
