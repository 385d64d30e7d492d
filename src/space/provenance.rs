//! Whose provenance a pointer has that comes back from the program.
//!
//! What is freed may be reached through a reference that the program made of it: to fewer bytes than the
//! slot has, or without the right to write. The slot's next user must not inherit that. So, by the rules
//! of the language, what is kept of a pointer that is freed is its address, and what is handed out next is
//! derived from the base of the reservation (I8).
//!
//! Miri holds us to it. A compiled program needs no instruction for it: there a pointer is its address,
//! and what the compiler concludes from a reference ends with the function that it was passed to. To look
//! up the reservation at each free would cost a load and a call; so that is done under Miri alone.

use core::ptr::NonNull;

#[cfg(miri)]
use super::{Space, map::WINDOW_SHIFT};

/// The same address, derived from the reservation that it lies in.
#[inline(always)]
pub(crate) fn renewed(start: NonNull<u8>) -> NonNull<u8> {
    #[cfg(miri)]
    {
        let address = start.addr().get();
        for space in Space::all() {
            let Some(offset) = space.offset_of(address) else { continue };
            // The addresses of a range that has been given back may be another space's.
            let window = space.window((offset >> WINDOW_SHIFT) as u32);
            if let Some(window) = window.filter(|window| !window.range().is_vacant()) {
                // SAFETY: both are in the same range of the space.
                return unsafe { window.start().add(offset & ((1 << WINDOW_SHIFT) - 1)) };
            }
        }
    }
    start
}
