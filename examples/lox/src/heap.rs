//! The heap of the running program: makes objects, and keeps count of their bytes.
//!
//! Making an object never collects. Whoever makes objects first asks [`Heap::wants_collection`] at
//! a moment when everything in use can be reached from the roots, and then makes as many as one
//! instruction needs; so no half-made object is ever seen by the collector.
//!
//! Objects are known to [`Objects`], strings to their interner alone. The collector (`gc`) goes
//! through both to free what it did not reach.

use std::cell::Cell;
use std::ptr::NonNull;

use crate::chunk::Function;
use crate::mem::{self, Objects};
use crate::methods::MethodTable;
use crate::object::{
    BoundMethod, Class, Closure, Header, Instance, Kind, Native, NativeFunction, ObjectKind, Ref,
    Str, Upvalue,
};
use crate::shapes::Shapes;
use crate::strings::Strings;
use crate::value::Value;

/// Below this many bytes, collecting is not worth its while.
const FIRST_THRESHOLD: usize = 1 << 20;

/// All objects and strings of one interpreter.
pub(crate) struct Heap {
    pub(crate) strings: Strings,
    pub(crate) shapes: Shapes,
    pub(crate) objects: Objects,
    /// What the last collection marked with, and new objects are marked with too.
    pub(crate) colour: u8,
    /// Reached, but not yet looked into; only in use during a collection.
    pub(crate) gray: Vec<Ref<Header>>,
    bytes: usize,
    threshold: usize,
    stress: bool,
}

impl Heap {
    /// A heap; under `stress` it wants to collect before every object.
    ///
    /// # Safety
    ///
    /// No [`Ref`] into the heap is used after the heap is dropped.
    pub(crate) unsafe fn new(stress: bool, objects: Objects) -> Self {
        Self {
            strings: Strings::default(),
            shapes: Shapes::default(),
            objects,
            colour: 0,
            gray: Vec::new(),
            bytes: 0,
            threshold: if stress { 0 } else { FIRST_THRESHOLD },
            stress,
        }
    }

    #[inline(always)]
    pub(crate) fn wants_collection(&self) -> bool {
        self.bytes >= self.threshold
    }

    /// Sets the amount at which to collect again: twice what is live.
    pub(crate) fn adjust_threshold(&mut self) {
        if !self.stress {
            self.threshold = (self.bytes * 2).max(FIRST_THRESHOLD);
        }
    }

    /// The bytes that objects and strings take.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn count_freed(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.bytes);
        self.bytes -= bytes;
    }

    pub(crate) fn intern(&mut self, text: &str) -> Ref<Str> {
        let (string, bytes) = self.strings.intern(text, self.colour);
        self.bytes += bytes;
        string
    }

    /// `None` if the result would be too long for a string.
    pub(crate) fn concatenate(&mut self, left: Ref<Str>, right: Ref<Str>) -> Option<Ref<Str>> {
        if left.len() + right.len() > Str::MAX_LEN {
            return None;
        }
        let (string, bytes) = self.strings.concatenate(left, right, self.colour);
        self.bytes += bytes;
        Some(string)
    }

    /// The upvalues are still to be filled in, all of them before the next collection.
    #[inline(never)]
    pub(crate) fn closure(&mut self, function: NonNull<Function>, captures: u16) -> Ref<Closure> {
        let layout = Closure::layout(usize::from(captures));
        let memory = mem::alloc_object(layout).cast::<Closure>();
        let header = self.header(ObjectKind::Closure, captures, 0);
        // SAFETY: the memory has room for the struct and the captures behind it.
        unsafe { memory.write(Closure { header, function }) };
        self.list(memory, layout.size())
    }

    #[inline(never)]
    pub(crate) fn upvalue(
        &mut self,
        location: *mut Value,
        next: Option<Ref<Upvalue>>,
    ) -> Ref<Upvalue> {
        let header = self.header(ObjectKind::Upvalue, 0, 0);
        self.sized(Upvalue {
            header,
            location: Cell::new(location),
            closed: Cell::new(Value::NIL),
            next: Cell::new(next),
        })
    }

    /// `fields` says for how many fields instances are to have room.
    pub(crate) fn class(&mut self, name: Ref<Str>, fields: u16) -> Ref<Class> {
        let header = self.header(ObjectKind::Class, fields, 0);
        let class = self.sized(Class {
            header,
            name,
            initializer: Cell::new(None),
            methods: MethodTable::new(),
        });
        class.header.word.set(self.shapes.root(class));
        class
    }

    /// Adds a method to a class, or replaces it.
    pub(crate) fn add_method(&mut self, class: Ref<Class>, name: Ref<Str>, method: Ref<Closure>) {
        let before = class.methods.bytes();
        class.methods.insert(name, method);
        self.bytes += class.methods.bytes() - before;
    }

    /// An instance without fields.
    #[inline(never)]
    pub(crate) fn instance(&mut self, class: Ref<Class>) -> Ref<Instance> {
        let room = class.header.small.get();
        // The usual sizes are constants, for which an allocator that knows sizes has less to do.
        match room {
            // There is always room for one, see `instance`.
            0 | 1 => self.instance_of_room::<1>(class),
            2 => self.instance_of_room::<2>(class),
            3 => self.instance_of_room::<3>(class),
            4 => self.instance_of_room::<4>(class),
            _ => self.instance_with(class, usize::from(room)),
        }
    }

    #[inline(always)]
    fn instance_of_room<const ROOM: usize>(&mut self, class: Ref<Class>) -> Ref<Instance> {
        self.instance_with(class, ROOM)
    }

    #[inline(always)]
    fn instance_with(&mut self, class: Ref<Class>, room: usize) -> Ref<Instance> {
        let layout = Instance::layout(room);
        let memory = mem::alloc_object(layout).cast::<Instance>();
        let header = self.header(ObjectKind::Instance, room as u16, class.header.word.get());
        // SAFETY: the memory has room for the header and `room` values behind it.
        unsafe {
            memory.write(Instance { header });
            let values = memory.add(1).cast::<Value>();
            for slot in 0..room {
                values.add(slot).write(Value::NIL);
            }
        }
        self.list(memory, layout.size())
    }

    /// Gives an instance a field that it does not have.
    pub(crate) fn add_field(&mut self, instance: Ref<Instance>, name: Ref<Str>, value: Value) {
        let shape = instance.shape();
        let slot = self.shapes.fields(shape);
        let next = self.shapes.with_field(shape, name);
        if slot as usize == instance.values().1 {
            let class = self.shapes.class(shape);
            let foreseen = u16::try_from(slot + 1).unwrap_or(u16::MAX);
            class.header.small.set(class.header.small.get().max(foreseen));
            self.bytes += instance.grow();
        }
        let spilled = instance.header.word.get() & crate::instance::SPILLED;
        instance.header.word.set(next | spilled);
        // SAFETY: there is room for the slot now.
        unsafe { *instance.slot(slot) = value };
    }

    #[inline(never)]
    pub(crate) fn bound_method(
        &mut self,
        receiver: Value,
        method: Ref<Closure>,
    ) -> Ref<BoundMethod> {
        let header = self.header(ObjectKind::BoundMethod, 0, 0);
        self.sized(BoundMethod { header, receiver, method })
    }

    pub(crate) fn native(&mut self, function: NativeFunction) -> Ref<Native> {
        let header = self.header(ObjectKind::Native, 0, 0);
        self.sized(Native { header, function })
    }

    #[inline(always)]
    fn header(&self, kind: ObjectKind, small: u16, word: u32) -> Header {
        let header = Header::new(kind, small, word);
        header.mark.set(self.colour);
        header
    }

    /// Makes an object that is nothing but its struct.
    #[inline(always)]
    fn sized<T: Kind>(&mut self, object: T) -> Ref<T> {
        let memory = mem::alloc_object(std::alloc::Layout::new::<T>()).cast::<T>();
        // SAFETY: the memory is as large and aligned as `T` wants it.
        unsafe { memory.write(object) };
        self.list(memory, size_of::<T>())
    }

    #[inline(always)]
    fn list<T: Kind>(&mut self, memory: NonNull<T>, bytes: usize) -> Ref<T> {
        // SAFETY: callers have initialised the object, and the pointer is for all of its memory.
        let object = unsafe { Ref::from_pointer(memory) };
        self.objects.push(memory.cast());
        self.bytes += bytes;
        object
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: by the contract of `new`, nothing is used after this.
        unsafe { self.free_everything() };
    }
}
