//! The fields of an instance: where they are and how they grow.
//!
//! ```text
//! inline    header | value | value | value          room = header.small values, slot i at [i]
//! spilled   header | *  | (unused) ...              header.word has SPILLED set
//!                    +--> room | value | value ...  a second allocation, slot i at [i + 1]
//! ```
//!
//! An object cannot move, because references to it are plain addresses. So an instance that gets
//! more fields than its class foresaw moves all its fields out, and leaves their address in its
//! first word; there is always room for one. Its class then foresees more for the next instances.
//! Whether an instance is spilled is a part of the number that inline caches compare, so the check
//! for it costs nothing where caches hit.
//!
//! Invariants: all `room` values are initialised, so that marking needs not know how many of them
//! are fields; a slot below the shape's count is below the room.

use std::alloc::Layout;

use crate::mem;
use crate::object::{Instance, Ref};
use crate::value::Value;

/// Set in `header.word` beside the shape when the fields are in a second allocation.
pub(crate) const SPILLED: u32 = 1 << 31;

impl Instance {
    #[inline(always)]
    pub(crate) fn layout(room: usize) -> Layout {
        let bytes = size_of::<Self>() + room * size_of::<Value>();
        // SAFETY: the room is a 16-bit number, so the sum is small; the alignment is eight.
        unsafe { Layout::from_size_align_unchecked(bytes, align_of::<Value>()) }
    }

    fn spilled_layout(room: usize) -> Layout {
        Layout::array::<Value>(room + 1).expect("fields are named in the source, so they are few")
    }
}

impl Ref<Instance> {
    #[inline(always)]
    fn inline_values(self) -> *mut Value {
        // SAFETY: the values follow the struct.
        unsafe { self.address().add(1).cast() }
    }

    /// The second allocation; only for a spilled instance.
    #[inline(always)]
    unsafe fn spilled(self) -> *mut Value {
        // SAFETY: the first word of a spilled instance is the address of its second allocation.
        unsafe { self.inline_values().cast::<*mut Value>().read() }
    }

    /// The shape, without the mark of being spilled.
    #[inline(always)]
    pub(crate) fn shape(self) -> u32 {
        self.header.word.get() & !SPILLED
    }

    #[inline(always)]
    pub(crate) fn is_spilled(self) -> bool {
        self.header.word.get() & SPILLED != 0
    }

    /// The values of all slots, whether they are fields already or not.
    #[inline(always)]
    pub(crate) fn values(self) -> (*mut Value, usize) {
        if self.is_spilled() {
            // SAFETY: it is spilled; the first element is the room, which is followed by values.
            unsafe {
                let spilled = self.spilled();
                (spilled.add(1), spilled.cast::<usize>().read())
            }
        } else {
            (self.inline_values(), usize::from(self.header.small.get()))
        }
    }

    /// Where slot `slot` is.
    #[inline(always)]
    pub(crate) fn slot(self, slot: u32) -> *mut Value {
        let (values, room) = self.values();
        debug_assert!((slot as usize) < room);
        // SAFETY: slots below the shape's count are below the room.
        unsafe { values.add(slot as usize) }
    }

    /// The slot of an instance that is known not to be spilled.
    ///
    /// # Safety
    ///
    /// `slot` is below `header.small`, and the instance is not spilled.
    #[inline(always)]
    pub(crate) unsafe fn inline_slot(self, slot: u32) -> *mut Value {
        debug_assert!(!self.is_spilled() && slot < u32::from(self.header.small.get()));
        // SAFETY: the caller's promise.
        unsafe { self.inline_values().add(slot as usize) }
    }

    /// Makes room for at least one more value; says how many bytes that took.
    #[cold]
    pub(crate) fn grow(self) -> usize {
        let (old, old_room) = self.values();
        let room = (old_room * 2).max(4);
        let layout = Instance::spilled_layout(room);
        let memory = mem::alloc_part(layout).cast::<Value>().as_ptr();
        // SAFETY: the new memory has room + 1 words, the old values are `old_room`, and the two
        // do not overlap; the old memory is freed before its address is overwritten.
        unsafe {
            memory.cast::<usize>().write(room);
            std::ptr::copy_nonoverlapping(old, memory.add(1), old_room);
            for slot in old_room..room {
                memory.add(1 + slot).write(Value::NIL);
            }
            let freed = self.free_spilled();
            self.inline_values().cast::<*mut Value>().write(memory);
            self.header.word.set(self.header.word.get() | SPILLED);
            layout.size() - freed
        }
    }

    /// Frees the second allocation, if there is one; says how many bytes that gave back.
    ///
    /// # Safety
    ///
    /// The fields are not used again before new ones are put in place.
    #[inline(always)]
    pub(crate) unsafe fn free_spilled(self) -> usize {
        // SAFETY: the caller's promise.
        if self.is_spilled() { unsafe { self.free_second() } } else { 0 }
    }

    /// # Safety
    ///
    /// As of `free_spilled`; and it is spilled.
    #[cold]
    unsafe fn free_second(self) -> usize {
        let (_, room) = self.values();
        let layout = Instance::spilled_layout(room);
        // SAFETY: it was allocated with this layout in `grow`, and nobody uses it again.
        unsafe {
            let memory = std::ptr::NonNull::new_unchecked(self.spilled());
            mem::free_part(memory.cast(), layout);
        }
        layout.size()
    }
}
