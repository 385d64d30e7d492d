//! Every message with which the core aborts the process, one function for each.
//!
//! A message says what was attempted, on which address, with which size and in which family, then what is
//! wrong. [`FreeError`] words the second half, so an abort and a `Result` say the same. Formatting goes to a
//! buffer on the stack and from there to standard error: nothing here allocates or takes a lock.

use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

use crate::error::FreeError;
use crate::os::die;

/// A family as messages name it.
#[derive(Clone, Copy)]
pub(crate) struct Name {
    pub(crate) set: &'static str,
    pub(crate) family: &'static str,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.set, self.family)
    }
}

/// A free that was checked when it was called.
#[cold]
pub(crate) fn wrong_free(name: Name, start: NonNull<u8>, layout: Layout, error: FreeError) -> ! {
    die(format_args!(
        "cannot free {start:p} as {} bytes aligned to {} in family {name}: {error}",
        layout.size(),
        layout.align()
    ))
}

/// A call by address alone, of the function `caller`. `place` is what is known of the address: a few words
/// for its kind, its size in bytes and its family.
#[cold]
pub(crate) fn wrong_call(
    caller: &str,
    start: NonNull<u8>,
    place: Option<(&str, usize, Name)>,
    error: FreeError,
) -> ! {
    match place {
        Some((kind, bytes, name)) => die(format_args!(
            "{caller}({start:p}), {kind} of {bytes} bytes in family {name}: {error}"
        )),
        None => die(format_args!("{caller}({start:p}): {error}")),
    }
}

/// A free that was checked when its slot went back to its block.
#[cold]
pub(crate) fn wrong_slot(name: Name, slot: *mut u8, slot_bytes: usize, error: FreeError) -> ! {
    die(format_args!(
        "cannot free {slot:p} as a slot of {slot_bytes} bytes in family {name}: {error} (found when the \
         slot was returned to its block; the wrong free may be earlier)"
    ))
}

/// A free in a family that has no table yet.
#[cold]
pub(crate) fn unused_family(name: Name, slot: NonNull<u8>) -> ! {
    die(format_args!(
        "cannot free {slot:p} in family {name}: nothing was ever allocated in this family; free it in the \
         family that allocated it"
    ))
}

/// A free in a cell that has no lane yet.
#[cold]
pub(crate) fn unused_class(name: Name, slot: NonNull<u8>, slot_bytes: usize) -> ! {
    die(format_args!(
        "cannot free {slot:p} as a slot of {slot_bytes} bytes in family {name}: nothing was ever allocated \
         in this size class of the family; free it in its family and with its layout"
    ))
}

/// A slot that reached a lane that does not own it.
#[cold]
pub(crate) fn wrong_lane(name: Name, slot: *mut u8, slot_bytes: usize) -> ! {
    die(format_args!(
        "cannot free {slot:p} as a slot of {slot_bytes} bytes in family {name}: internal error: the slot \
         belongs to another lane"
    ))
}

/// A free in a region.
#[cold]
pub(crate) fn wrong_region_free(name: Name, start: *mut u8, bytes: usize) -> ! {
    die(format_args!(
        "cannot free {start:p} as {bytes} bytes in a region of family {name}: no live object of this size \
         starts there: double free, wrong layout, or an object of another region"
    ))
}

/// An object that a walk was to free and the program freed meanwhile.
#[cold]
pub(crate) fn freed_while_visited(name: Name, slot: *mut u8, slot_bytes: usize) -> ! {
    die(format_args!(
        "cannot free {slot:p} as a slot of {slot_bytes} bytes in family {name}: the slot was freed during \
         the sweep that was to free it; return false for it or free it, not both"
    ))
}

/// A value whose count of strong or weak handles would overflow.
#[cold]
pub(crate) fn too_many_handles(most: u32) -> ! {
    die(format_args!(
        "one value has more than {most} handles; drop handles instead of forgetting them"
    ))
}
