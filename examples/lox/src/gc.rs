//! The collector: precise, stopping the program, mark and sweep.
//!
//! ```text
//! roots --mark--> gray list --look into each--> mark what it refers to --> ... --> empty
//! then free every object, and every string, that was not marked
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
use crate::mem::Judge;
use crate::object::{
    BoundMethod, Class, Closure, Header, Instance, Kind, Native, ObjectKind, Ref, Upvalue,
};
use crate::shapes::Shapes;
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
        let mut judge =
            Sweep { colour: self.colour, shapes: &mut self.shapes, freed: 0, classes_died: false };
        // SAFETY: what the judge condemns is not used later, by the caller's promise.
        unsafe { self.objects.sweep(&mut judge) };
        let Sweep { freed, classes_died, .. } = judge;
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

/// One sweep: what has not the colour goes.
struct Sweep<'a> {
    colour: u8,
    shapes: &'a mut Shapes,
    freed: usize,
    classes_died: bool,
}

// SAFETY: the layouts are those with which the objects were made.
unsafe impl Judge for Sweep<'_> {
    #[inline(always)]
    unsafe fn condemn(&mut self, object: NonNull<u8>) -> Option<Layout> {
        // SAFETY: an object, by the contract; it was initialised when it was made.
        let object = unsafe { Ref::<Header>::from_pointer(object.cast()) };
        if object.mark.get() == self.colour {
            return None;
        }
        // Nearly all that dies is a plain instance.
        let layout = match object.downcast::<Instance>() {
            Some(instance) if !instance.is_spilled() => {
                Instance::layout(usize::from(instance.header.small.get()))
            }
            // SAFETY: not used later, by the contract.
            _ => unsafe { self.dispose(object) },
        };
        self.freed += layout.size();
        Some(layout)
    }
}

impl Sweep<'_> {
    /// Frees what an object owns; returns the object's own layout.
    ///
    /// # Safety
    ///
    /// The object is not a string and is not used again but to be freed.
    #[inline(never)]
    unsafe fn dispose(&mut self, object: Ref<Header>) -> Layout {
        // SAFETY: in each arm the kind is that of the type, and the layout the one it was made with.
        unsafe {
            match object.kind {
                ObjectKind::Instance => {
                    let instance = object.downcast_unchecked::<Instance>();
                    self.freed += instance.free_spilled();
                    Instance::layout(usize::from(instance.header.small.get()))
                }
                ObjectKind::Closure => Closure::layout(usize::from(object.small.get())),
                ObjectKind::Class => {
                    let class = object.downcast_unchecked::<Class>();
                    self.classes_died = true;
                    self.shapes.forget(class.header.word.get());
                    self.freed += class.methods.bytes();
                    std::ptr::drop_in_place(class.address());
                    Layout::new::<Class>()
                }
                ObjectKind::Upvalue => Layout::new::<Upvalue>(),
                ObjectKind::BoundMethod => Layout::new::<BoundMethod>(),
                ObjectKind::Native => Layout::new::<Native>(),
                ObjectKind::Str => unreachable!("strings are freed by their interner"),
            }
        }
    }
}
