//! `FamilyBox` behaves like `Box`, drops everything exactly once, and loses no slot to a panic.
//!
//! Wherever a `Box` can be asked the same question, it is the oracle: [`like_box!`] runs one
//! expression on both.

/// Evaluates an expression on a `Box` and on a `FamilyBox` of the same value and compares.
macro_rules! like_box {
    ($value:expr, |$boxed:ident| $result:expr) => {{
        #[allow(unused_mut, reason = "some of the expressions mutate the box")]
        let theirs = {
            let mut $boxed = Box::new($value);
            $result
        };
        #[allow(unused_mut, reason = "some of the expressions mutate the box")]
        let ours = {
            let mut $boxed = $crate::common::InA::new_in($value, $crate::common::lives::A);
            $result
        };
        assert_eq!(ours, theirs, "{}", stringify!($result));
    }};
}

mod auto_traits;
mod called_once;
mod common;
mod compare;
mod construct;
mod convert;
mod forward;
mod homes;
mod io;
mod layout;
mod panics;
mod raw;
mod slices;
mod text;
mod unsizing;
mod values;

/// How often something is done: `often`, or under Miri `rarely`.
const fn times(often: usize, rarely: usize) -> usize {
    if cfg!(miri) { rarely } else { often }
}
