//! What the macro says when it is misused: the messages are part of its interface.
//!
//! Each case is one mistake, or several that have to be reported together, and the file beside it
//! is what the compiler prints. After a change of wording, run with `TRYBUILD=overwrite` and read
//! the differences.

#[test]
#[cfg_attr(miri, ignore = "runs the compiler")]
fn misuse_is_explained() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
