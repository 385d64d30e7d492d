//! `FamilyRc` and `FamilyArc` behave like `Rc` and `Arc`, drop everything exactly once, and lose no
//! slot to a panic.
//!
//! Every test is generic over the counter and runs for both. What threads do at once is in `threading/arc.rs`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../family_box/common.rs"]
#[allow(dead_code, reason = "these tests use some of it")]
mod ledger;

use famalloc::rc::{Counted, Weak};

use crate::common::{on_a_thread, one_at_a_time, usage};
use crate::ledger::lives;

/// A counted handle in family A.
type InA<T, C> = Counted<T, lives::A, C>;
/// Its weak handle.
type WeakInA<T, C> = Weak<T, lives::A, C>;

/// Runs a test that is generic over the counter for both counters.
macro_rules! both {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            #[test]
            fn rc() {
                crate::leaks_nothing(super::$test::<famalloc::rc::Local>);
            }

            #[test]
            fn arc() {
                crate::leaks_nothing(super::$test::<famalloc::rc::Shared>);
            }
        }
    )*};
}

/// How many slots of family A are in use.
fn slots() -> usize {
    usage::<lives::A>().live_objects
}

/// After the test no slot of the families is in use.
///
/// It runs on a thread of its own that has ended before the next test starts: counts are exact only
/// while no thread is giving its magazines back.
fn leaks_nothing(test: impl FnOnce() + Send) {
    let _alone = one_at_a_time();
    on_a_thread(test);
    assert_eq!((slots(), usage::<lives::B>().live_objects), (0, 0));
}

mod auto_traits;
mod construct;
mod homes;
mod limits;
mod oracle;
mod panics;
mod raw;
mod slices;
mod unique;
mod unsizing;
mod weak;
