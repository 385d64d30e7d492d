//! What happens when the family has no more memory: an error, and nothing is lost.

use famalloc::rc::{Counted, Counter};
use famalloc::{AllocErrorKind, ThinSlice, ThinStr, alloc_family};

use crate::common::usage;
use crate::ledger::Ledger;

#[alloc_family]
enum Bounds {
    #[family(limit = "64 KiB")]
    Small,
}

type Limited<T, C> = Counted<T, bounds::Small, C>;

const LARGE: usize = 100 << 10;

fn calls_that_can_fail_say_so<C: Counter>() {
    let ledger = Ledger::default();
    let refused = |error: famalloc::AllocError| assert_eq!(error.kind(), AllocErrorKind::Limit);
    let value = (ledger.value(), [0_u8; LARGE]);
    refused(Limited::<_, C>::try_new_in(value, bounds::Small).map(drop).unwrap_err());
    assert_eq!(ledger.live(), 0, "the value is dropped where there is no room for it");
    let uncalled = || -> [u8; LARGE] { unreachable!("there is no room for what it makes") };
    refused(Limited::<_, C>::try_new_with_in(uncalled, bounds::Small).map(drop).unwrap_err());
    refused(Limited::<_, C>::try_pin_in([0_u8; LARGE], bounds::Small).map(drop).unwrap_err());
    refused(Limited::<[u8; LARGE], C>::try_new_uninit().map(drop).unwrap_err());
    refused(Limited::<[u8; LARGE], C>::try_new_zeroed().map(drop).unwrap_err());
    refused(Limited::<[u8], C>::try_new_uninit_slice(LARGE).map(drop).unwrap_err());
    refused(Limited::<[u8], C>::try_new_zeroed_slice(LARGE).map(drop).unwrap_err());
    let text = "x".repeat(LARGE);
    refused(ThinStr::<bounds::Small>::try_from_str(&text).map(drop).unwrap_err());
    let values: Vec<_> = (0..16).map(|_| (ledger.value(), [0_u8; LARGE / 16])).collect();
    refused(ThinSlice::<_, bounds::Small>::try_from_slice(&values).map(drop).unwrap_err());
    assert_eq!(ledger.made(), 1 + values.len(), "no element is cloned");
    assert_eq!(usage::<bounds::Small>().live_objects, 0);
}

fn what_is_full_takes_again_what_is_freed<C: Counter>() {
    let mut held: Vec<Limited<[u64; 63], C>> = Vec::new();
    while let Ok(one) = Limited::try_new_in([held.len() as u64; 63], bounds::Small) {
        held.push(one);
    }
    // Slots of 512 bytes with their counters.
    assert_eq!(held.len(), 128);
    assert!((0..).zip(&held).all(|(number, one)| **one == [number; 63]));
    let weak = Counted::downgrade(&held.pop().unwrap());
    assert!(
        Limited::<_, C>::try_new_in([0_u64; 63], bounds::Small).is_err(),
        "a weak handle keeps the slot"
    );
    drop(weak);
    let again = Limited::<_, C>::try_new_in([0_u64; 63], bounds::Small).unwrap();
    assert!(Counted::ptr_eq(&again.clone(), &again), "one more handle needs no memory");
}

both!(calls_that_can_fail_say_so, what_is_full_takes_again_what_is_freed);
