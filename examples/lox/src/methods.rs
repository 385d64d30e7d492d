//! The methods of a class: a small hash table from name to closure, in family `Part`.
//!
//! Open addressing over a power of two of places, at most three quarters of them taken. Methods
//! are added while the class is declared and only looked up afterwards; nothing is ever removed.
//! Names are interned, so they are compared by address.

use std::cell::{Cell, UnsafeCell};

use crate::mem::Handle;
use crate::object::{Closure, Ref, Str};

/// One place of the table.
#[famalloc::alloc_family(crate::mem::Lives::Part)]
#[derive(Clone, Copy)]
pub(crate) struct Place(Content);

/// The method in a place, if there is one.
type Content = Option<(Ref<Str>, Ref<Closure>)>;

/// Methods by name.
pub(crate) struct MethodTable {
    places: UnsafeCell<Handle<[Place]>>,
    taken: Cell<usize>,
}

impl MethodTable {
    pub(crate) fn new() -> Self {
        Self { places: UnsafeCell::new(empty_places(0)), taken: Cell::new(0) }
    }

    fn places(&self) -> &[Place] {
        // SAFETY: the places are only replaced or written in `insert`, which hands out no
        // reference and calls nothing that could come back to this table.
        unsafe { &*self.places.get() }
    }

    pub(crate) fn get(&self, name: Ref<Str>) -> Option<Ref<Closure>> {
        match self.find(name)? {
            (_, Some((_, method))) => Some(method),
            (_, None) => None,
        }
    }

    /// The place of a name, or the free place where it belongs; `None` without any places.
    fn find(&self, name: Ref<Str>) -> Option<(usize, Content)> {
        let places = self.places();
        let mask = places.len().checked_sub(1)?;
        let mut index = name.hash as usize & mask;
        loop {
            match places[index].0 {
                Some((found, _)) if found != name => index = (index + 1) & mask,
                content => return Some((index, content)),
            }
        }
    }

    /// Adds a method, or replaces the one with that name.
    pub(crate) fn insert(&self, name: Ref<Str>, method: Ref<Closure>) {
        if (self.taken.get() + 1) * 4 > self.places().len() * 3 {
            let old = self.iter().collect::<Vec<_>>();
            let grown = empty_places((self.places().len() * 2).max(4));
            // SAFETY: no reference to the places is alive: `iter` was collected.
            unsafe { *self.places.get() = grown };
            self.taken.set(0);
            for (name, method) in old {
                self.insert(name, method);
            }
        }
        let (index, content) = self.find(name).expect("it has just been given room");
        if content.is_none() {
            self.taken.set(self.taken.get() + 1);
        }
        // SAFETY: no reference to the places is alive.
        unsafe { (&mut *self.places.get())[index] = Place(Some((name, method))) };
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ref<Str>, Ref<Closure>)> {
        self.places().iter().filter_map(|place| place.0)
    }

    /// The memory that the table holds, for the collector's threshold.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.places())
    }
}

fn empty_places(count: usize) -> Handle<[Place]> {
    std::iter::repeat_n(Place(None), count).collect()
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;
    use crate::heap::Heap;

    #[test]
    fn methods_are_found_by_name_and_can_be_replaced() {
        // SAFETY: all references are used before the heap is dropped.
        let mut heap = unsafe { Heap::new(false, crate::mem::Objects::listed()) };
        let table = MethodTable::new();
        let names = (0..100).map(|number| heap.intern(&format!("m{number}"))).collect::<Vec<_>>();
        assert!(table.get(names[0]).is_none());
        // The functions are never looked at.
        let methods =
            names.iter().map(|_| heap.closure(NonNull::dangling(), 0)).collect::<Vec<_>>();
        for (name, method) in names.iter().zip(&methods) {
            table.insert(*name, *method);
        }
        assert!(names.iter().zip(&methods).all(|(name, method)| table.get(*name) == Some(*method)));
        assert!(table.get(heap.intern("m100")).is_none());
        table.insert(names[7], methods[8]);
        assert!(table.get(names[7]) == Some(methods[8]));
        assert_eq!(table.iter().count(), 100);
        assert_eq!(table.bytes(), 256 * size_of::<Place>());
    }
}
