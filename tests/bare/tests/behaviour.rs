//! How famalloc behaves without the standard library. (The tests have it; famalloc has not.)

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use famalloc::{
    AllocErrorKind, ClassUse, Family, FamilyBox, FamilyUse, FixedBuffer, FreeError, QueryKind,
    alloc_family, alloc_in, alloc_zeroed_in, check, flush, free_in, query, raw, realloc_in, sweep,
    walk,
};
use famalloc_bare::{Lives, PAGES, Task, lives, messages, try_raw};

/// The tests count, and reclaim for the whole process.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic says.
fn message_of(action: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(action)).expect_err("it did not panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

fn assert_all_given_back<F: Family>() {
    check().unwrap();
    assert_eq!(FamilyUse::of(F::default()).live_objects, 0);
    flush();
    check().unwrap();
    let used = FamilyUse::of(F::default());
    assert_eq!((used.live_objects, used.blocks, used.committed_bytes), (0, 0, 0));
}

#[test]
fn messages_are_sent_and_received_until_there_is_no_room() {
    let _alone = one_at_a_time();
    let mut task = Task::new("one").unwrap();
    assert!(PAGES.contains((&raw const *task).cast()));
    let mut sent = 0;
    let error = loop {
        match task.send(&format!("message {sent}")) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    // 128 KiB of 24 bytes each, but for what the blocks begin with.
    assert!((5_300..5_462).contains(&sent), "{sent} messages");
    assert_eq!(messages().0, sent);
    check().unwrap();
    for at in 0..sent / 2 {
        assert_eq!(*task.receive().unwrap(), format!("message {at}"));
    }
    assert_eq!(messages().0, sent - sent / 2);
    // What was freed can be had again.
    for _ in 0..sent / 2 {
        task.send("again").unwrap();
    }
    assert_eq!(messages().0, sent);
    drop(task);
    assert_all_given_back::<lives::Task>();
    assert_all_given_back::<lives::Message>();
    assert_all_given_back::<lives::Text>();
}

#[test]
fn the_buffer_is_all_there_is() {
    let _alone = one_at_a_time();
    assert!(try_raw(500 << 10).unwrap(), "half of the buffer can be had in one piece");
    let error = try_raw(1 << 20).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
    assert_eq!(try_raw(usize::MAX).unwrap_err().kind(), AllocErrorKind::TooLarge);
    // The calls that cannot fail say so in their own way, and lose nothing.
    let said = message_of(|| drop(FamilyBox::<[u64], lives::Text>::new_zeroed_slice(1 << 17)));
    assert_eq!(said, "memory allocation of 1048576 bytes failed");
    let said = message_of(|| drop(FamilyBox::<[u64], lives::Text>::new_zeroed_slice(1 << 61)));
    assert_eq!(said, "capacity overflow");
    assert_all_given_back::<lives::Text>();
}

#[test]
fn nothing_is_parked_and_the_lowest_slot_is_used_again() {
    let _alone = one_at_a_time();
    let mut boxes: Vec<_> =
        (0..100).map(|value| FamilyBox::<u64, _>::new_in(value, lives::Text)).collect();
    let lowest = &raw const *boxes[0];
    let counted: Vec<_> = ClassUse::of(lives::Text).filter(|class| class.lanes > 0).collect();
    let eights = counted.iter().find(|class| class.slot_bytes == 8).unwrap();
    assert_eq!((eights.live_objects, eights.parked_objects), (100, 0));
    drop(boxes.remove(0));
    drop(boxes.split_off(50));
    // With the standard library these would be in the thread's magazine.
    let eights = ClassUse::of(lives::Text).find(|class| class.slot_bytes == 8).unwrap();
    assert_eq!((eights.live_objects, eights.parked_objects), (50, 0));
    let again = FamilyBox::<u64, _>::new_in(7, lives::Text);
    assert_eq!(&raw const *again, lowest);
    drop((boxes, again));
    assert_all_given_back::<lives::Text>();
}

#[test]
fn values_are_dropped_once_whatever_panics() {
    thread_local! {
        static DROPPED: Cell<u32> = const { Cell::new(0) };
    }
    struct Loud(bool);
    impl Drop for Loud {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
            assert!(!self.0, "loud");
        }
    }
    let _alone = one_at_a_time();
    drop(FamilyBox::new_in(Loud(false), lives::Text));
    let trait_object: FamilyBox<dyn Send, lives::Text> =
        famalloc::unsize!(FamilyBox::new_in(Loud(false), lives::Text) => dyn Send);
    drop(trait_object);
    let slice = FamilyBox::<[Loud], lives::Text>::from([Loud(false), Loud(true), Loud(false)]);
    assert_eq!(message_of(|| drop(slice)), "loud");
    assert_eq!(DROPPED.get(), 5);
    let said = message_of(|| drop(FamilyBox::<u32, _>::new_with_in(|| panic!("no"), lives::Text)));
    assert_eq!(said, "no");
    assert_all_given_back::<lives::Text>();
}

#[test]
fn a_double_free_is_noticed_at_once() {
    static PAGES: FixedBuffer<{ 1 << 20 }> = FixedBuffer::new();
    // Of its own: what is damaged stays so.
    #[alloc_family(source = PAGES)]
    enum Broken {
        Slot,
    }
    let _alone = one_at_a_time();
    let kept = alloc_in::<broken::Slot>(40).unwrap();
    let slot = alloc_in::<broken::Slot>(40).unwrap();
    // SAFETY: freed once, and the second time it has to be refused.
    unsafe { free_in::<broken::Slot>(slot, 40) };
    let layout = Layout::from_size_align(40, 1).unwrap();
    // SAFETY: refused without any change.
    assert_eq!(unsafe { raw::try_free(broken::Slot, slot, layout) }, Err(FreeError::AlreadyFree));
    // SAFETY: it does not return.
    let said = message_of(|| unsafe { free_in::<broken::Slot>(slot, 40) });
    assert!(said.starts_with("famalloc: cannot free 0x"), "{said}");
    assert!(said.contains(" 40 bytes"), "{said}");
    assert!(said.contains("in family Broken::Slot: "), "{said}");
    assert!(said.contains("double free: the slot is already free"), "{said}");
    // SAFETY: it does not return.
    let said =
        message_of(|| unsafe { free_in::<broken::Slot>(NonNull::<u64>::dangling().cast(), 8) });
    assert!(said.contains("Broken::Slot"), "{said}");
    let _ = kept;
}

#[test]
fn raw_memory_of_every_size_keeps_its_contents() {
    let _alone = one_at_a_time();
    for size in [1, 3, 24, 300, 5_000, 32_768, 32_769, 100_000, 300_000] {
        let start = alloc_zeroed_in::<lives::Text>(size).unwrap();
        // SAFETY: `size` bytes, ours alone.
        let bytes = unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), size) };
        assert!(bytes.iter().all(|&byte| byte == 0), "{size}");
        bytes.fill(7);
        assert_eq!(query(bytes.as_ptr()).unwrap().family, "Text");
        let (new, kept) = (size / 2 + 10, (size / 2 + 10).min(size));
        // SAFETY: live, of this size.
        let moved = unsafe { realloc_in::<lives::Text>(start, size, new) }.unwrap();
        // SAFETY: so many were written before.
        let bytes = unsafe { core::slice::from_raw_parts(moved.as_ptr(), kept) };
        assert!(bytes.iter().all(|&byte| byte == 7), "{size}");
        check().unwrap();
        // SAFETY: live, of this size.
        unsafe { free_in::<lives::Text>(moved, new) };
    }
    assert!(query(&raw const PAGES).is_none_or(|found| !matches!(found.kind, QueryKind::Slot)));
    assert_all_given_back::<lives::Text>();
}

#[test]
fn a_collector_sweeps_what_is_not_marked() {
    let _alone = one_at_a_time();
    let all: Vec<_> = (0..1_000_u64)
        .map(|at| FamilyBox::into_raw(FamilyBox::<u64, _>::new_in(at, lives::Text)).addr())
        .collect();
    let mut seen = BTreeSet::new();
    walk(lives::Text, |object, size| {
        assert_eq!(size, 8);
        assert!(seen.insert(object.addr().get()));
    })
    .unwrap();
    assert!(seen.iter().eq(all.iter()));
    // SAFETY: nobody uses what is swept, nor the rest but for its address.
    let freed = unsafe { sweep(lives::Text, |object, _| object.cast::<u64>().read() % 3 == 0) };
    assert_eq!(freed, Ok(666));
    assert_eq!(FamilyUse::of(lives::Text).live_objects, 334);
    // SAFETY: as above.
    assert_eq!(unsafe { sweep(lives::Text, |_, _| false) }, Ok(334));
    assert_all_given_back::<lives::Text>();
}

/// Cores that know nothing of each other: all they share is the locks.
#[test]
fn cores_share_the_lanes() {
    let _alone = one_at_a_time();
    let (give, take) = mpsc::channel::<FamilyBox<[u64; 4], lives::Text>>();
    let take = Mutex::new(take);
    thread::scope(|scope| {
        for core in 0..4_u64 {
            let (give, take) = (give.clone(), &take);
            scope.spawn(move || {
                let mut own = Vec::new();
                for step in 0..5_000 {
                    own.push(FamilyBox::new_in([core, step, core ^ step, 9], lives::Text));
                    match step % 3 {
                        0 => give.send(own.swap_remove(own.len() / 2)).unwrap(),
                        1 if own.len() > 50 => own.truncate(20),
                        _ => {
                            let theirs = take.lock().unwrap().try_recv();
                            theirs.iter().for_each(|it| assert_eq!(it[0] ^ it[1], it[2]));
                        }
                    }
                }
                assert!(own.iter().all(|it| it[0] == core && it[0] ^ it[1] == it[2]));
            });
        }
    });
    drop(give);
    drop(take);
    assert_all_given_back::<lives::Text>();
}

/// As many first uses at once as there are cores: one of them reserves.
#[test]
fn the_first_use_is_one_even_from_several_cores() {
    static PAGES: FixedBuffer<{ 256 << 10 }> = FixedBuffer::new();
    #[alloc_family(source = PAGES)]
    enum Early {
        A,
    }
    let start = std::sync::Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                drop(FamilyBox::<u32, _>::new_in(7, early::A));
            });
        }
    });
    assert_eq!(FamilyUse::of(early::A).live_objects, 0);
}

#[test]
fn sets_and_specs_are_what_they_are_elsewhere() {
    use famalloc::FamilySet;
    assert_eq!((Lives::NAME, Lives::FAMILIES.len()), ("Lives", 3));
    assert_eq!(lives::Message::SPEC.name(), "Message");
}
