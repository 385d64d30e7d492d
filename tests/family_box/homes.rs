//! The same box at home elsewhere: in a family that is known only at run time, in a region, and in an allocator of
//! the user's. What every box can is asked of each, with `Box` as the oracle; at the end no memory is missing.

use std::alloc::Layout;
use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::io::{Read, Write};
use std::pin::pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use famalloc::region::InRegion;
use famalloc::{
    AllocError, AllocErrorKind, AnyFamily, FamilyBox, RawAlloc, Region, Snapshot, alloc_family,
    query, unsize,
};

use crate::common::{Ledger, panic_of};

#[alloc_family]
enum Homes {
    Unused,
    #[family(align = "natural")]
    Chosen,
    #[family(limit = "64 KiB")]
    Small,
    Around,
}

/// A family, of which it is known which memory is out, and for which layout.
#[derive(Default)]
struct Watched {
    out: RefCell<HashMap<NonNull<u8>, Layout>>,
}

// SAFETY: it is the family's.
unsafe impl RawAlloc for &Watched {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        let start = homes::Around.alloc(layout)?;
        if layout.size() > 0 {
            assert_eq!(self.out.borrow_mut().insert(start, layout), None, "handed out twice");
        }
        Ok(start)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() > 0 {
            assert_eq!(self.out.borrow_mut().remove(&start), Some(layout), "freed as another");
        }
        // SAFETY: passed on.
        unsafe { homes::Around.free(start, layout) };
    }
}

/// What every box can, wherever its value is.
fn all_of_it<A: RawAlloc + Clone>(home: A) {
    let ledger = Ledger::default();

    // Values.
    let boxed = FamilyBox::new_in(ledger.value(), home.clone());
    let other = boxed.clone();
    assert_ne!(FamilyBox::as_ptr(&boxed), FamilyBox::as_ptr(&other));
    let (value, slot) = FamilyBox::take(boxed);
    let boxed = FamilyBox::write(slot, value);
    let moved = FamilyBox::map(boxed, |value| (value, [7_u8; 100]));
    assert_eq!(moved.1, [7; 100]);
    let numbers = FamilyBox::map(moved, |(value, _)| value.number());
    assert_eq!(FamilyBox::into_inner(numbers), 0);
    assert_eq!(FamilyBox::into_inner(other).number(), 1);
    let (raw, alloc) = FamilyBox::into_raw_with_allocator(FamilyBox::new_in(5, home.clone()));
    // SAFETY: as it came.
    assert_eq!(*unsafe { FamilyBox::from_raw_in(raw, alloc) }, 5);
    drop(FamilyBox::new_in((), home.clone()));

    // A panic loses no slot.
    assert_eq!(
        panic_of(|| FamilyBox::new_with_in(|| -> u32 { panic!("make") }, home.clone())),
        "make"
    );
    ledger.drop_fails_at(3);
    let two = FamilyBox::<[_], A>::from_iter_in(ledger.values(2), home.clone());
    assert_eq!(panic_of(|| drop(two)), "drop");
    ledger.clone_fails_after(1);
    let three = ledger.values(3);
    assert_eq!(panic_of(|| FamilyBox::<[_], A>::from_slice_in(&three, home.clone())), "clone");
    drop(three);
    assert_eq!(ledger.live(), 0);

    // Slices and text.
    let words: Vec<String> =
        "a list of words that is longer".split(' ').map(String::from).collect();
    let boxed =
        FamilyBox::<[_], A>::from_iter_in(words.iter().filter(|_| true).cloned(), home.clone());
    assert_eq!(*boxed, *words);
    assert_eq!(boxed.clone(), boxed);
    assert_eq!(format!("{boxed:?}"), format!("{words:?}"));
    assert!(boxed.into_iter().rev().take(2).eq(words.iter().rev().take(2).cloned()));
    let zeros = FamilyBox::<[u16], A>::new_zeroed_slice_in(300, home.clone());
    // SAFETY: zero bytes are numbers.
    assert_eq!(*unsafe { zeros.assume_init() }, [0; 300]);
    let text = FamilyBox::<str, A>::from_str_in("text", home.clone());
    assert_eq!((text.clone().into_string(), &*text), ("text".into(), "text"));
    assert!(text < FamilyBox::<str, A>::from_str_in("texts", home.clone()));
    let bytes = text.into_boxed_bytes();
    assert_eq!(bytes.into_vec(), b"text");

    // Unsized, called, downcast.
    let shown: FamilyBox<dyn Display, A> =
        unsize!(FamilyBox::new_in(7, home.clone()) => dyn Display);
    assert_eq!(shown.to_string(), "7");
    let any: FamilyBox<dyn Any, A> =
        unsize!(FamilyBox::new_in(ledger.value(), home.clone()) => dyn Any);
    let any = any.downcast::<u32>().expect_err("it is none");
    assert!(any.downcast::<crate::common::Tracked>().is_ok());
    let kept = ledger.value();
    let work = FamilyBox::new_in(move |more: usize| kept.number() + more, home.clone());
    let work: FamilyBox<dyn Fn(usize) -> usize, A> = unsize!(work => dyn Fn(usize) -> usize);
    assert!(work(1) > 1);
    drop(work);
    let kept = ledger.value();
    let once = FamilyBox::new_in(move || drop(kept), home.clone());
    FamilyBox::call_once(once, ());

    // What a value can, its box can.
    let mut sum = FamilyBox::new_in(1..4, home.clone());
    assert_eq!((sum.next(), sum.next_back(), sum.len()), (Some(1), Some(3), 1));
    let mut future = pin!(FamilyBox::new_in(std::future::ready(7), home.clone()));
    assert_eq!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(7));
    let mut written = FamilyBox::new_in(Vec::new(), home.clone());
    write!(written, "{}", 12).unwrap();
    let mut read = String::new();
    FamilyBox::new_in(&**written, home.clone()).read_to_string(&mut read).unwrap();
    assert_eq!(read, "12");
    assert_eq!(serde_json::to_string(&FamilyBox::new_in([1, 2], home.clone())).unwrap(), "[1,2]");

    // From the standard library's, and back.
    let boxed = FamilyBox::<dyn Display, A>::from_box_in(Box::new(ledger.value().number()), home);
    assert!(FamilyBox::into_box(boxed).to_string().parse::<usize>().is_ok());
    assert_eq!(ledger.live(), 0);
}

#[test]
fn a_family_that_is_known_only_at_run_time() {
    let chosen = AnyFamily::<Homes>::at(1).unwrap();
    all_of_it(chosen);
    let boxed = FamilyBox::new_in([1_u64; 6], chosen);
    assert_eq!(query(FamilyBox::as_ptr(&boxed)).unwrap().family, "Chosen");
    assert_eq!(*FamilyBox::allocator(&boxed), Homes::Chosen.into());
    assert_eq!(size_of_val(&boxed), 2 * size_of::<usize>());
    // It is sent, and may be pinned, like that of a family that is a type.
    std::thread::spawn(move || drop(FamilyBox::into_pin(boxed))).join().unwrap();
    let used = Snapshot::of::<Homes>();
    assert_eq!(used.family("Chosen").unwrap().live_objects, 0);
    assert!(used.family("Chosen").unwrap().peak_bytes > 0);
    assert_eq!(used.family("Unused").unwrap().extents, 0);
    let _ = (Homes::Unused, Homes::Small, Homes::Around);
}

#[test]
fn a_region() {
    let mut region = Region::<homes::Around>::new();
    all_of_it(region.allocator());
    all_of_it(&region);
    assert_eq!(region.usage().live_bytes, 0);
    // A box that is forgotten dies with the region.
    std::mem::forget(FamilyBox::new_in([0_u8; 1000], region.allocator()));
    assert!(region.usage().live_bytes >= 1000);
    region.reset();
    assert_eq!(region.usage().live_bytes, 0);

    let tracked = Region::<homes::Around, famalloc::region::Tracked>::new();
    all_of_it(tracked.allocator());
    let kept = FamilyBox::new_in(7_u32, tracked.allocator());
    let mut objects = 0;
    tracked.walk(|_, _| objects += 1);
    assert_eq!((objects, *kept), (1, 7));
}

#[test]
fn an_allocator_of_the_users() {
    let watched = Watched::default();
    all_of_it(&watched);
    assert!(watched.out.borrow().is_empty(), "{:?}", watched.out.borrow());
}

#[test]
fn what_is_refused_is_an_error() {
    let small = AnyFamily::from(Homes::Small);
    let error = FamilyBox::try_new_in([0_u8; 100 << 10], small).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    let error = FamilyBox::<[u8], _>::try_new_uninit_slice_in(100 << 10, small).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    let error = FamilyBox::<[u8], _>::try_new_zeroed_slice_in(100 << 10, small).unwrap_err();
    assert_eq!(error.kind(), AllocErrorKind::Limit);

    let region = Region::<homes::Around>::with_limit(1 << 16);
    let text = "long ".repeat(1 << 15);
    let error = FamilyBox::<str, InRegion<'_>>::try_from_str_in(&text, region.allocator());
    assert_eq!(error.unwrap_err().kind(), AllocErrorKind::Limit);
    let message = panic_of(|| FamilyBox::<[u64], _>::new_uninit_slice_in(usize::MAX / 8, small));
    assert_eq!(message, "capacity overflow");
}
