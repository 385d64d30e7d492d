//! The end of a Windows process while another thread is in the midst of the allocator: the system ends that thread
//! first, with the locks that it holds, and then has the last one run its destructors.

#![cfg(windows)]

mod common;

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Parcel, case, child};
use famalloc::{PageError, PageSource, System, alloc_family};
use windows_sys::Win32::System::Threading::{FlsAlloc, FlsSetValue};

/// The system's pages, of which a commit never comes to an end on a thread that says so.
struct Stuck {
    system: System,
    is_stuck: AtomicBool,
}

static PAGES: Stuck = Stuck { system: System::new(), is_stuck: AtomicBool::new(false) };

// SAFETY: every call is passed on unchanged, or does not return.
unsafe impl PageSource for Stuck {
    fn page_size(&self) -> usize {
        self.system.page_size()
    }

    fn reserve(&self, size: usize, align: usize) -> Result<NonNull<u8>, PageError> {
        self.system.reserve(size, align)
    }

    fn largest_range(&self, _align: usize) -> usize {
        1 << 30
    }

    unsafe fn commit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        while STICKS.get() {
            self.is_stuck.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
        }
        // SAFETY: passed on.
        unsafe { self.system.commit(start, size) }
    }

    unsafe fn decommit(&self, start: NonNull<u8>, size: usize) -> Result<(), PageError> {
        // SAFETY: passed on.
        unsafe { self.system.decommit(start, size) }
    }

    unsafe fn release(&self, start: NonNull<u8>, size: usize) {
        // SAFETY: passed on.
        unsafe { self.system.release(start, size) }
    }
}

#[alloc_family(source = PAGES)]
enum Lives {
    Any,
}

thread_local! {
    /// Whether the thread never comes back from a commit.
    static STICKS: Cell<bool> = const { Cell::new(false) };
}

/// What a library of fibre-local storage does at the end: allocates more than there was before. (Wine 8 calls no
/// callbacks of the loader for a program that ends, but these.)
unsafe extern "system" fn at_end(_: *const c_void) {
    drop((0..2000).map(|_| Parcel::new::<lives::Any>(3000, 1)).collect::<Vec<_>>());
}

#[test]
fn a_lock_of_a_thread_that_is_no_more_is_not_waited_for() {
    const NAME: &str = "a_lock_of_a_thread_that_is_no_more_is_not_waited_for";
    if case().is_some() {
        drop(Parcel::new::<lives::Any>(100, 1));
        thread::spawn(|| {
            STICKS.set(true);
            Parcel::new::<lives::Any>(20 << 20, 1)
        });
        while !PAGES.is_stuck.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        // SAFETY: a function of the right type.
        let slot = unsafe { FlsAlloc(Some(at_end)) };
        // SAFETY: made just now; any value but null has the function called.
        assert_ne!(unsafe { FlsSetValue(slot, (&raw const PAGES).cast()) }, 0);
        std::process::exit(0);
    }
    let mut child = child(NAME, "here").spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it waits for a lock that nobody will let go");
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(ended.code(), Some(0xC000_004B_u32 as i32), "nothing was waited for");
}
