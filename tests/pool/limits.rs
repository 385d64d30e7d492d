//! A family's limit is an error, or the end of the process for those who did not ask.

use famalloc::{AllocErrorKind, Pool, check};

use crate::common::{
    Parcel, assert_aborted, assert_all_given_back, case, child, one_at_a_time, times,
};
use crate::{Lives, lives};

#[test]
#[cfg_attr(miri, ignore = "an interpreter has no processes")]
fn a_limit_ends_the_process_of_who_did_not_ask() {
    if case().as_deref() == Some("get") {
        let pool = Pool::<[u8; 1 << 16], _>::new_in(|| [0; 1 << 16], lives::Limited);
        let _held: Vec<_> = (0..100).map(|_| pool.get()).collect();
        unreachable!();
    }
    if case().as_deref() == Some("front") {
        let pool = Pool::<[u8; 1 << 16], _>::new_in(|| [0; 1 << 16], lives::Limited);
        let front = pool.front();
        let _held: Vec<_> = (0..100).map(|_| front.get()).collect();
        unreachable!();
    }
    let _alone = one_at_a_time();
    let test = "limits::a_limit_ends_the_process_of_who_did_not_ask";
    for case in ["get", "front"] {
        let said = assert_aborted(child(test, case));
        assert!(said.contains("memory allocation of 65536 bytes failed"), "{said}");
    }
}

#[test]
fn a_limit_is_an_error_that_leaves_the_pool_usable() {
    let _alone = one_at_a_time();
    let pool = Pool::<[u8; 1 << 16], _>::new_in(|| [7; 1 << 16], lives::Limited);
    let front = pool.front();
    for _ in 0..3 {
        let mut held = Vec::new();
        let error = loop {
            match pool.try_get() {
                Ok(object) => held.push(object),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), AllocErrorKind::Limit);
        assert_eq!(front.try_get().unwrap_err().kind(), AllocErrorKind::Limit);
        assert!(pool.try_get_with(|| unreachable!()).is_err());
        assert!(held.len() >= 10 && held.iter().all(|it| it[65_535] == 7), "{}", held.len());
        assert!(check().is_ok());
        drop(held.pop());
        drop(pool.try_get().unwrap());
        drop(held);
    }
    drop(front);
    assert!(pool.counts().reused > 10);
    drop(pool);
    assert_all_given_back::<Lives>();
}

#[test]
fn an_object_whose_address_finds_no_room_is_destroyed() {
    let _alone = one_at_a_time();
    // Large ones under Miri, so that fewer fit.
    const WORDS: usize = times(1, 600);
    let pool = Pool::<[u64; WORDS], _>::new_in(|| [7; WORDS], lives::Cramped);
    let used = pool.get();
    let mut all = Vec::new();
    for size in [1 << 15, 256, 8 * WORDS] {
        all.extend(std::iter::from_fn(|| Parcel::try_new::<lives::Cramped>(size, 7).ok()));
    }
    drop(used);
    assert_eq!((pool.len(), pool.counts().released), (0, 1));
    drop(all);
    drop(pool.get());
    assert_eq!((pool.len(), pool.counts().released), (1, 1));
    drop(pool);
    assert_all_given_back::<Lives>();
}
