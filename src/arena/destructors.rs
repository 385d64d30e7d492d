//! Destructors that run when an arena is cleared.
//!
//! An object that needs one has an entry: a hidden room with the destructor, the address, how many
//! there are side by side, and the entry before. They run in the reverse order of their making. An
//! entry leaves the list before its destructor is called, so that whatever happens there (a panic, more
//! objects in this arena) none runs twice and none is forgotten.

use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::error::AllocError;

use super::Arena;

/// A destructor to run.
#[derive(Debug)]
pub(crate) struct Entry {
    previous: *mut Entry,
    /// Drops so many values from an address on.
    drop: unsafe fn(*mut u8, usize),
    start: *mut u8,
    count: usize,
}

/// Drops `count` values of type `T` side by side.
///
/// # Safety
///
/// They are valid, and not used again.
unsafe fn drop_values<T>(start: *mut u8, count: usize) {
    // SAFETY: passed on.
    unsafe { ptr::drop_in_place(ptr::slice_from_raw_parts_mut(start.cast::<T>(), count)) };
}

impl Arena {
    /// Room for an entry, before there is anything to enter.
    pub(crate) fn reserve_entry(&self) -> Result<NonNull<Entry>, AllocError> {
        // Before the value is made: where there is no room for its entry, there is no value yet whose
        // destructor would be forgotten.
        self.alloc_hidden(Layout::new::<Entry>()).map(NonNull::cast)
    }

    /// Gives back the room for an entry that is not made.
    ///
    /// # Safety
    ///
    /// The entry is reserved, and not used.
    #[cold]
    pub(crate) unsafe fn forget_entry(&self, entry: NonNull<Entry>) {
        // SAFETY: allocated in `reserve_entry`, and used by nobody (contract).
        unsafe { self.free(entry.cast(), Layout::new::<Entry>()) };
    }

    /// Enters values.
    ///
    /// # Safety
    ///
    /// The entry is reserved, and used once. `count` values lie from `start` on until the arena is
    /// cleared or goes back to an earlier checkpoint; nobody else drops them, and they may be dropped
    /// then, on the thread that does it.
    pub(crate) unsafe fn enter_values<T>(
        &self,
        entry: NonNull<Entry>,
        start: NonNull<T>,
        count: usize,
    ) {
        let new = Entry {
            previous: self.entries.get(),
            drop: drop_values::<T>,
            start: start.as_ptr().cast(),
            count,
        };
        // SAFETY: reserved, and so room for one.
        unsafe { entry.write(new) };
        self.entries.set(entry.as_ptr());
    }

    /// Runs all destructors.
    ///
    /// # Panics
    ///
    /// If one does, after all others have run.
    pub(crate) fn run_destructors(&self) {
        self.run_until(ptr::null_mut());
    }

    /// Runs the destructors of the entries from the newest on, until `last` is the newest.
    ///
    /// # Panics
    ///
    /// If one does, after all others have run.
    pub(super) fn run_until(&self, last: *mut Entry) {
        /// Runs the rest where one of them panics.
        struct Rest<'a>(&'a Arena, *mut Entry);
        impl Drop for Rest<'_> {
            fn drop(&mut self) {
                // One that panics must not keep the others from running: they may hold what lies
                // outside of the arena.
                if self.0.entries.get() != self.1 {
                    self.0.run_until(self.1);
                }
            }
        }
        let rest = Rest(self, last);
        while self.entries.get() != last {
            // SAFETY: entries are valid until the arena is cleared, which comes after this.
            let entry = unsafe { self.entries.get().read() };
            // Before the call: where that panics, the entry does not run again; and what that enters
            // comes before the rest.
            self.entries.set(entry.previous);
            // SAFETY: whoever entered the values vouched for that, and this entry is not used again.
            unsafe { (entry.drop)(entry.start, entry.count) };
        }
        drop(rest);
    }
}
