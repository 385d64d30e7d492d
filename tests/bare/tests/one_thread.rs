//! The promise that there is but one thread: magazines without the standard library.
//!
//! One test alone, since the promise holds for the whole process.

use std::collections::BTreeMap;
use std::thread;

use famalloc::{
    ClassUse, FamilyBox, FamilyUse, FixedBuffer, alloc_family, alloc_in, check, flush, free_in,
    promise_one_thread, walk,
};

static PAGES: FixedBuffer<{ 4 << 20 }> = FixedBuffer::new();

#[alloc_family(source = PAGES)]
enum Lives {
    A,
    #[family(zero_on_free)]
    B,
}

type Number = FamilyBox<u64, lives::A>;

fn parked() -> usize {
    ClassUse::of(lives::A).map(|class| class.parked_objects).sum()
}

#[test]
fn the_one_thread_has_magazines() {
    // Others may do as they like before.
    let early: Vec<Number> =
        thread::spawn(|| (0..100).map(|value| Number::new_in(value, lives::A)).collect())
            .join()
            .unwrap();
    let mut own: Vec<_> = (100..200).map(|value| Number::new_in(value, lives::A)).collect();
    own.truncate(50);
    assert_eq!(parked(), 0);

    // SAFETY: the thread above has ended, and there is none but this one.
    unsafe { promise_one_thread() };

    own.extend(early);
    own.extend((0..1_000).map(|value| Number::new_in(value, lives::A)));
    assert_eq!(FamilyUse::of(lives::A).live_objects, own.len());
    assert!(parked() > 0, "there is no magazine");
    check().unwrap();
    own.truncate(20);
    assert!(parked() > 20, "what is freed does not come into a magazine");
    check().unwrap();
    assert_eq!(parked(), 0, "the check has not emptied the magazines");
    own.extend((0..100).map(|value| Number::new_in(value, lives::A)));
    own.truncate(20);
    assert!(parked() > 20);

    let mut visited = 0;
    walk(lives::A, |object, _| {
        visited += 1;
        assert!(own.iter().any(|it| (&raw const **it).addr() == object.addr().get()));
    })
    .unwrap();
    assert_eq!(visited, 20);
    assert_eq!(parked(), 0, "the walk has not emptied the magazines");

    // Random operations, beside a list of what was written where.
    let mut state = 1_u64;
    let mut random = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let mut held = BTreeMap::new();
    for step in 0..50_000 {
        if random(2) == 0 || held.is_empty() {
            let bits = random(12);
            let size = 1 + random(1 << bits) as usize;
            let Ok(start) = alloc_in::<lives::B>(size) else { continue };
            let byte = step as u8;
            // SAFETY: so many bytes, this test's own.
            unsafe { start.write_bytes(byte, size) };
            assert!(held.insert(start, (size, byte)).is_none(), "handed out twice");
        } else {
            let at = random(64.min(held.len() as u64)) as usize;
            let (&start, &(size, byte)) = held.iter().nth(at).unwrap();
            held.remove(&start);
            // SAFETY: live, of this size.
            let bytes = unsafe { core::slice::from_raw_parts(start.as_ptr(), size) };
            assert!(bytes.iter().all(|&it| it == byte));
            // SAFETY: live, of this size.
            unsafe { free_in::<lives::B>(start, size) };
        }
        if step % 5_000 == 0 {
            check().unwrap();
        }
    }
    assert_eq!(FamilyUse::of(lives::B).live_objects, held.len());
    for (start, (size, _)) in held {
        // SAFETY: live, of this size.
        unsafe { free_in::<lives::B>(start, size) };
    }
    drop(own);
    flush();
    check().unwrap();
    for used in [FamilyUse::of(lives::A), FamilyUse::of(lives::B)] {
        assert_eq!((used.live_objects, used.blocks, used.committed_bytes), (0, 0, 0));
    }
    // Most of the buffer can be had again; the magazines of many classes have their part.
    let fill = || FamilyBox::<[u8], lives::A>::try_new_zeroed_slice(60_000).ok();
    let all: Vec<_> = core::iter::from_fn(fill).collect();
    assert!(all.len() * 60_000 >= (4 << 20) * 6 / 10, "only {} pieces", all.len());
    assert!(all.iter().all(|piece| PAGES.contains((&raw const **piece).cast())));
}
