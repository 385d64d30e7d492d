//! The collector: precise, stopping the program, mark and sweep.
//!
//! ```text
//! roots --mark--> gray list --look into each--> mark what it refers to --> ... --> empty
//! then free every listed object, and every string, that was not marked
//! ```
//!
//! Marking with a list instead of recursion lets chains of any length be followed. A collection
//! marks with the other one of two colours, so that survivors need not be unmarked: what the last
//! collection left, and what was made since, all has the old colour when the next one begins.
//!
//! Invariants: an object on the gray list has the new colour, and each gets there once; strings and
//! natives refer to nothing and never get there. Code is no root: its strings are pinned, and it
//! refers to no other object but from caches, which hold what a live class holds too.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::heap::Heap;
use crate::mem;
use crate::object::{
    BoundMethod, Class, Closure, Header, Instance, Kind, Native, ObjectKind, Ref, Upvalue,
};
use crate::value::Value;

impl Heap {
    /// Starts a collection: everything is unmarked. Mark the roots next, then [`Heap::collect`].
    pub(crate) fn begin_marking(&mut self) {
        self.colour ^= 1;
        debug_assert!(self.gray.is_empty());
    }

    #[inline(always)]
    pub(crate) fn mark_value(&mut self, value: Value) {
        if let Some(object) = value.as_object() {
            self.mark_header(object);
        }
    }

    #[inline(always)]
    pub(crate) fn mark<T: Kind>(&mut self, object: Ref<T>) {
        self.mark_header(object.header());
    }

    #[inline(always)]
    fn mark_header(&mut self, object: Ref<Header>) {
        if object.mark.get() != self.colour {
            object.mark.set(self.colour);
            if object.kind != ObjectKind::Str {
                self.gray.push(object);
            }
        }
    }

    /// Marks what the marked roots lead to and frees the rest. Says whether classes died: then
    /// shape numbers will be used again, and all caches that hold any have to be emptied before
    /// the program goes on.
    ///
    /// # Safety
    ///
    /// Every object that is used later was marked since [`Heap::begin_marking`], or can be reached
    /// from one that was, or is a pinned string.
    #[must_use]
    pub(crate) unsafe fn collect(&mut self) -> bool {
        let mut last_shape = crate::shapes::NO_SHAPE;
        while let Some(object) = self.gray.pop() {
            self.look_into(object, &mut last_shape);
        }
        let colour = self.colour;
        // SAFETY: what was not marked is not used later.
        let freed =
            unsafe { self.strings.sweep(|s| s.header.mark.get() == colour || s.is_pinned()) };
        self.count_freed(freed);
        // SAFETY: as above.
        let classes_died = unsafe { self.sweep() };
        self.adjust_threshold();
        classes_died
    }

    #[inline(always)]
    fn look_into(&mut self, object: Ref<Header>, last_shape: &mut u32) {
        // SAFETY: in each arm the kind is that of the type.
        unsafe {
            match object.kind {
                ObjectKind::Instance => {
                    let instance = object.downcast_unchecked::<Instance>();
                    let shape = instance.shape();
                    if shape != *last_shape {
                        *last_shape = shape;
                        self.mark(self.shapes.class(shape));
                    }
                    let (values, room) = instance.values();
                    for slot in 0..room {
                        self.mark_value(*values.add(slot));
                    }
                }
                ObjectKind::Closure => {
                    let closure = object.downcast_unchecked::<Closure>();
                    for index in 0..usize::from(closure.header.small.get()) {
                        self.mark(*closure.captures().add(index));
                    }
                }
                ObjectKind::Upvalue => {
                    let upvalue = object.downcast_unchecked::<Upvalue>();
                    // An open one's location is on the stack, whose live part is a root itself.
                    self.mark_value(upvalue.closed.get());
                }
                ObjectKind::Class => {
                    let class = object.downcast_unchecked::<Class>();
                    self.mark(class.name);
                    for (name, method) in class.methods.iter() {
                        self.mark(name);
                        self.mark(method);
                    }
                }
                ObjectKind::BoundMethod => {
                    let bound = object.downcast_unchecked::<BoundMethod>();
                    self.mark_value(bound.receiver);
                    self.mark(bound.method);
                }
                ObjectKind::Str | ObjectKind::Native => {}
            }
        }
    }

    /// # Safety
    ///
    /// Unmarked objects are not used later.
    unsafe fn sweep(&mut self) -> bool {
        let mut classes_died = false;
        let mut freed = 0;
        let colour = self.colour;
        let mut kept = 0;
        // By hand: the closure that `retain` wants is not compiled into its loop.
        for index in 0..self.objects.len() {
            let object = self.objects[index];
            if object.mark.get() == colour {
                self.objects[kept] = object;
                kept += 1;
                continue;
            }
            if let Some(class) = object.downcast::<Class>() {
                classes_died = true;
                self.shapes.forget(class.header.word.get());
            }
            // SAFETY: the caller's promise, and the list forgets it too.
            freed += unsafe { free(object) };
        }
        self.objects.truncate(kept);
        self.count_freed(freed);
        classes_died
    }

    /// Frees all objects and strings.
    ///
    /// # Safety
    ///
    /// None of them is used again.
    pub(crate) unsafe fn free_everything(&mut self) {
        // SAFETY: the caller's promise.
        let freed = unsafe { self.strings.sweep(|_| false) };
        self.count_freed(freed);
        self.begin_marking();
        // SAFETY: the caller's promise; nothing has the new colour, so all goes.
        let _classes_died = unsafe { self.sweep() };
    }
}

/// Frees an object with its exact size, and says how many bytes that was.
///
/// # Safety
///
/// The object is not a string and is not used again.
#[inline(always)]
unsafe fn free(object: Ref<Header>) -> usize {
    // SAFETY: in each arm the kind is that of the type, and the layout the one it was made with.
    unsafe {
        match object.kind {
            ObjectKind::Instance => {
                let instance = object.downcast_unchecked::<Instance>();
                let spilled = instance.free_spilled();
                spilled
                    + match instance.header.small.get() {
                        1 => free_memory(object, Instance::layout(1)),
                        2 => free_memory(object, Instance::layout(2)),
                        3 => free_memory(object, Instance::layout(3)),
                        4 => free_memory(object, Instance::layout(4)),
                        room => free_memory(object, Instance::layout(usize::from(room))),
                    }
            }
            ObjectKind::Closure => {
                free_memory(object, Closure::layout(usize::from(object.small.get())))
            }
            ObjectKind::Class => {
                let class = object.downcast_unchecked::<Class>();
                let methods = class.methods.bytes();
                std::ptr::drop_in_place(class.address());
                methods + free_memory(object, Layout::new::<Class>())
            }
            ObjectKind::Upvalue => free_memory(object, Layout::new::<Upvalue>()),
            ObjectKind::BoundMethod => free_memory(object, Layout::new::<BoundMethod>()),
            ObjectKind::Native => free_memory(object, Layout::new::<Native>()),
            ObjectKind::Str => unreachable!("strings are freed by their interner"),
        }
    }
}

/// # Safety
///
/// The object has this layout and is not used again.
#[inline(always)]
unsafe fn free_memory(object: Ref<Header>, layout: Layout) -> usize {
    // SAFETY: the caller's promise.
    unsafe { mem::free_object(NonNull::new_unchecked(object.address()).cast(), layout) };
    layout.size()
}
