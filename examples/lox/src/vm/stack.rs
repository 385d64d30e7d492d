//! The memory of the stack and the frames. It never moves, since open upvalues point into it.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::chunk::Site;
use crate::object::{Closure, Ref};
use crate::value::Value;

/// How deeply calls nest.
pub(super) const MOST_FRAMES: usize = 64;
/// Room for values. A frame takes 256 variables at most; temporaries come on top of that.
const SLOTS: usize = MOST_FRAMES * 512;

/// A call in progress.
pub(super) struct Frame {
    pub(super) closure: Ref<Closure>,
    /// The next instruction; of the top frame only up to date when saved.
    pub(super) ip: *const u8,
    /// The slot of the callee.
    pub(super) base: *mut Value,
    /// Tables of the closure's function, here so that returning need not go and look for them.
    pub(super) constants: *const Value,
    pub(super) sites: *const Site,
}

/// The stack of values and that of frames.
pub(super) struct Stack {
    slots: NonNull<[Value; SLOTS]>,
    frames: NonNull<[MaybeUninit<Frame>; MOST_FRAMES]>,
}

impl Stack {
    pub(super) fn new() -> Self {
        let slots: Box<[Value; SLOTS]> =
            vec![Value::NIL; SLOTS].try_into().ok().expect("it has that many");
        let frames = Box::new([const { MaybeUninit::uninit() }; MOST_FRAMES]);
        Self { slots: Box::leak(slots).into(), frames: Box::leak(frames).into() }
    }

    pub(super) fn bottom(&self) -> *mut Value {
        self.slots.cast().as_ptr()
    }

    /// Behind the last slot.
    pub(super) fn top(&self) -> *mut Value {
        // SAFETY: that is where the allocation ends.
        unsafe { self.bottom().add(SLOTS) }
    }

    pub(super) fn first_frame(&self) -> *mut Frame {
        self.frames.cast().as_ptr()
    }

    pub(super) fn last_frame(&self) -> *mut Frame {
        // SAFETY: there are that many.
        unsafe { self.first_frame().add(MOST_FRAMES - 1) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: both were leaked from boxes in `new`.
        unsafe {
            drop(Box::from_raw(self.slots.as_ptr()));
            drop(Box::from_raw(self.frames.as_ptr()));
        }
    }
}
