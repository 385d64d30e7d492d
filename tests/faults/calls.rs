//! Each call of the page source fails in turn, once and from then on, under everything that the library
//! does: errors come back as such, everything stays whole, what is live keeps its contents, and when all
//! is freed nothing is lost.

use famalloc::{AllocErrorKind, Family, FamilyBox, alloc_family};

use crate::common::{Parcel, Watchdog, assert_all_given_back, one_at_a_time, patience};
use crate::mix::everything_and_more;
use crate::source::{Call, Failing};

/// Lets every call of a kind fail in turn; returns how many calls there are.
fn fail_everywhere<A: Family, B: Family<Set = A::Set>, C: Family<Set = A::Set>>(
    source: &Failing,
    call: Call,
    errors: &[AllocErrorKind],
) -> usize {
    let _alone = one_at_a_time();
    let _watchdog = Watchdog::of_seconds(300);
    let mut calls = 0;
    for lasting in [false, true] {
        // Where each takes long, one in some.
        let stride = patience() as usize;
        for n in (1..).step_by(stride) {
            source.fail_at(call, n, lasting);
            let met = everything_and_more::<A, B, C>();
            let refused = source.refused();
            source.recover();
            let limit = AllocErrorKind::Limit;
            let others: Vec<_> = met.0.iter().filter(|&&kind| kind != limit).collect();
            assert!(others.iter().all(|kind| errors.contains(kind)), "{others:?} at {call:?} {n}");
            assert_all_given_back::<A::Set>();
            if refused == 0 {
                calls = calls.max(n.saturating_sub(stride));
                break;
            }
            // Then it works as before.
            if n % 8 == 1 {
                let met = everything_and_more::<A, B, C>();
                assert!(met.0.iter().all(|&kind| kind == limit), "{:?} after {call:?} {n}", met.0);
                assert_all_given_back::<A::Set>();
            }
            assert!(n < 3_000, "it does not come to an end");
        }
    }
    calls
}

macro_rules! everywhere {
    ($($name:ident: $call:ident, $errors:expr, at least $calls:expr;)*) => {
        $(#[test]
        fn $name() {
            static PAGES: Failing = Failing::new();
            #[alloc_family(source = PAGES)]
            enum Lives {
                Plain,
                #[family(zero_on_free, isolate)]
                Secret,
                #[family(limit = "8 MiB", align = "natural")]
                Tight,
            }
            let calls = fail_everywhere::<lives::Plain, lives::Secret, lives::Tight>(
                &PAGES,
                Call::$call,
                &$errors,
            );
            assert!(calls + 1 > $calls, "only {calls} calls were tried");
        })*
    };
}

everywhere! {
    addresses_are_refused: Reserve, [AllocErrorKind::AddressSpace], at least 1;
    memory_is_refused: Commit, [AllocErrorKind::Commit], at least 20;
    memory_cannot_be_given_back: Decommit, [], at least 20;
    contents_cannot_be_given_up: Discard, [], at least 1;
    pages_cannot_be_moved: Move, [], at least 1;
    ranges_cannot_be_given_back: Release, [], at least 0;
}

/// Hints that come to nothing cost time alone.
#[test]
fn hints_are_not_followed() {
    static PAGES: Failing = Failing::new();
    #[alloc_family(source = PAGES)]
    enum Lives {
        Dense,
    }
    let _alone = one_at_a_time();
    PAGES.fail_at(Call::Hint, 1, true);
    let all: Vec<_> =
        (0..24_000_usize).map(|number| FamilyBox::new_in([number; 125], lives::Dense)).collect();
    let huge = Parcel::new::<lives::Dense>(20 << 20, 1);
    assert!(PAGES.refused() > 0, "no hint was given");
    assert!(all.iter().zip(0..).all(|(array, number)| array[0] == number && array[124] == number));
    drop((all, huge));
    PAGES.recover();
    assert_all_given_back::<Lives>();
}
