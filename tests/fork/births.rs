//! Families, sets and spaces come into being while others fork.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use famalloc::{
    AllocErrorKind, Family, FamilySet, FixedBuffer, alloc_family, alloc_in, check, free_in,
};

use crate::common::{Parcel, Watchdog, assert_success, case, child};
use crate::kit::{self, Child, lives, on_a_thread};

/// Sets that come into being one by one: half of them over a buffer of their own.
macro_rules! sets {
    ($($set:ident $module:ident $buffer:ident),*) => {
        $(
            static $buffer: FixedBuffer<{ 2 << 20 }> = FixedBuffer::new();
            #[alloc_family(source = $buffer)]
            enum $set { One, Two }
        )*
        /// Uses a family of the set of this number, perhaps for the first time.
        pub(crate) fn use_set(number: usize) {
            let uses = [$(use_family::<$module::One>, use_family::<$module::Two>),*, use_family::<system::A>,
                use_family::<system::B>, use_family::<system::C>, use_family::<system::D>];
            uses[number % uses.len()]();
        }
    };
}

#[alloc_family]
enum System {
    A,
    B,
    C,
    D,
}

sets!(
    Set0 set0 PAGES_0, Set1 set1 PAGES_1, Set2 set2 PAGES_2, Set3 set3 PAGES_3,
    Set4 set4 PAGES_4, Set5 set5 PAGES_5, Set6 set6 PAGES_6, Set7 set7 PAGES_7
);

const FAMILIES: usize = 20;

fn use_family<F: Family>() {
    for size in [8, 24] {
        let slot = match alloc_in::<F>(size) {
            Ok(slot) => slot,
            // A buffer has nothing to give to a child that has started over.
            Err(error) if kit::is_child() => {
                assert_eq!(error.kind(), AllocErrorKind::AddressSpace);
                assert!(F::Set::NAME.starts_with("Set"), "{error}");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        // SAFETY: allocated above with this size.
        unsafe { free_in::<F>(slot, size) };
    }
}

#[test]
fn families_come_into_being_meanwhile() {
    if case().is_none() {
        for turn in 0..40 {
            assert_success(child("births::families_come_into_being_meanwhile", &turn.to_string()));
        }
        return;
    }
    let turn: usize = case().unwrap().parse().unwrap();
    let _watchdog = Watchdog::of_seconds(300);
    kit::begin();
    // Sometimes the handlers are there before the threads.
    match turn % 4 {
        0 => drop(Parcel::new::<lives::Unused>(8, 1)),
        1 => {}
        _ => use_set(turn),
    }
    let gate = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..3 {
            let gate = &gate;
            scope.spawn(move || {
                while !gate.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                for number in 0..FAMILIES {
                    use_set(number * (2 * thread + 1) + turn);
                }
            });
        }
        gate.store(true, Ordering::Relaxed);
        for _ in 0..6 {
            Child::new(|| {
                (0..FAMILIES).for_each(use_set);
                check().unwrap();
                on_a_thread(|| (0..FAMILIES).for_each(use_set));
            })
            .wait();
        }
    });
    check().unwrap();
}
