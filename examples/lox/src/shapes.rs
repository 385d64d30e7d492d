//! Shapes: which field of an instance is in which slot.
//!
//! Instances of one class that got the same fields in the same order share a *shape*, a number. An
//! access in the code remembers the last shape it met and the slot it found there, so that the next
//! one is a comparison and a load.
//!
//! ```text
//! class Point   shape 0  {}           --x-->  shape 1 {x}  --y-->  shape 2 {x, y}
//!                                     --y-->  shape 3 {y}
//! line 0: x = 0, y = 1     (shapes 0, 1, 2: each sees as many of the slots as it has fields)
//! line 1: y = 0            (shape 3)
//! ```
//!
//! A *line* is the table of names that a chain of shapes shares: a shape with `n` fields sees those
//! of its line's slots that are below `n`. So adding fields one by one costs constant time and
//! space each, and only a fork, a different field after the same ones, copies.
//!
//! A class owns the shapes that grew from its empty one. They are given back when the class dies,
//! and their numbers are used again; the caches in the code have to be cleared then. Field names
//! are strings of the code and therefore outlive every shape.

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::object::{Class, Ref, Str};

/// No shape: what a cache holds before its first use.
pub(crate) const NO_SHAPE: u32 = u32::MAX;

struct Shape {
    class: Ref<Class>,
    line: u32,
    /// How many fields there are; they have the slots below.
    fields: u32,
    /// The shapes with one more field. Nearly always there is one at most.
    next: SmallVec<[(Ref<Str>, u32); 1]>,
}

#[derive(Default)]
struct Line {
    slots: HashMap<Ref<Str>, u32>,
}

/// All shapes of all classes.
#[derive(Default)]
pub(crate) struct Shapes {
    shapes: Vec<Option<Shape>>,
    free_shapes: Vec<u32>,
    lines: Vec<Line>,
    free_lines: Vec<u32>,
}

impl Shapes {
    /// The shape of a new class's instances before they have fields.
    pub(crate) fn root(&mut self, class: Ref<Class>) -> u32 {
        let line = self.new_line(Line::default());
        self.new_shape(Shape { class, line, fields: 0, next: SmallVec::new() })
    }

    fn get(&self, shape: u32) -> &Shape {
        self.shapes[shape as usize].as_ref().expect("an instance keeps its class and its shapes")
    }

    #[inline]
    pub(crate) fn class(&self, shape: u32) -> Ref<Class> {
        self.get(shape).class
    }

    /// The slot of a field, if the shape has it.
    pub(crate) fn slot(&self, shape: u32, name: Ref<Str>) -> Option<u32> {
        let shape = self.get(shape);
        let slot = *self.lines[shape.line as usize].slots.get(&name)?;
        (slot < shape.fields).then_some(slot)
    }

    /// How many fields the shape has.
    pub(crate) fn fields(&self, shape: u32) -> u32 {
        self.get(shape).fields
    }

    /// The shape with one more field, whose slot is the old number of fields.
    pub(crate) fn with_field(&mut self, from: u32, name: Ref<Str>) -> u32 {
        let shape = self.get(from);
        debug_assert!(self.slot(from, name).is_none());
        if let Some(&(_, next)) = shape.next.iter().find(|(field, _)| *field == name) {
            return next;
        }
        let (class, fields, line) = (shape.class, shape.fields, shape.line);
        let own_line = &mut self.lines[line as usize];
        let line = if own_line.slots.len() == fields as usize {
            own_line.slots.insert(name, fields);
            line
        } else {
            let mut fork = Line::default();
            fork.slots.extend(own_line.slots.iter().filter(|(_, slot)| **slot < fields));
            fork.slots.insert(name, fields);
            self.new_line(fork)
        };
        let next = self.new_shape(Shape { class, line, fields: fields + 1, next: SmallVec::new() });
        self.shapes[from as usize].as_mut().expect("it was there above").next.push((name, next));
        next
    }

    /// Gives back all shapes that grew from `root`.
    pub(crate) fn forget(&mut self, root: u32) {
        let mut doomed = vec![root];
        while let Some(index) = doomed.pop() {
            let Some(shape) = self.shapes[index as usize].take() else { continue };
            self.free_shapes.push(index);
            doomed.extend(shape.next.iter().map(|(_, next)| *next));
            // Several shapes share a line; it is given back by the last, the one that fills it.
            let line = &mut self.lines[shape.line as usize];
            if line.slots.len() == shape.fields as usize {
                line.slots = HashMap::default();
                self.free_lines.push(shape.line);
            }
        }
    }

    /// The most shapes there ever were at once.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.shapes.len()
    }

    fn new_shape(&mut self, shape: Shape) -> u32 {
        if let Some(index) = self.free_shapes.pop() {
            self.shapes[index as usize] = Some(shape);
            return index;
        }
        let index = u32::try_from(self.shapes.len()).expect("memory runs out before shapes do");
        assert!(index < crate::instance::SPILLED - 1, "there are 2^31 shapes at most");
        self.shapes.push(Some(shape));
        index
    }

    fn new_line(&mut self, line: Line) -> u32 {
        if let Some(index) = self.free_lines.pop() {
            self.lines[index as usize] = line;
            return index;
        }
        self.lines.push(line);
        u32::try_from(self.lines.len() - 1).expect("there are no more lines than shapes")
    }
}

#[cfg(test)]
mod tests {
    use crate::heap::Heap;

    #[test]
    fn same_fields_in_the_same_order_are_the_same_shape() {
        // SAFETY: all references are used before the heap is dropped.
        let mut heap = unsafe { Heap::new(false, crate::mem::Objects::listed()) };
        let [x, y, z] = ["x", "y", "z"].map(|name| heap.intern(name));
        let name = heap.intern("Point");
        let class = heap.class(name, 0);
        let root = class.header.word.get();
        let shapes = &mut heap.shapes;
        let with_x = shapes.with_field(root, x);
        let with_xy = shapes.with_field(with_x, y);
        assert_eq!(shapes.with_field(root, x), with_x);
        assert_eq!(shapes.with_field(with_x, y), with_xy);
        assert_eq!(
            [root, with_x, with_xy].map(|shape| shapes.slot(shape, y)),
            [None, None, Some(1)]
        );

        let with_xz = shapes.with_field(with_x, z);
        let with_y = shapes.with_field(root, y);
        assert_eq!((shapes.slot(with_xz, x), shapes.slot(with_xz, z)), (Some(0), Some(1)));
        assert_eq!((shapes.slot(with_xz, y), shapes.slot(with_xy, z)), (None, None));
        assert_eq!((shapes.slot(with_y, y), shapes.slot(with_y, x)), (Some(0), None));
        assert_eq!([root, with_x, with_xz].map(|shape| shapes.fields(shape)), [0, 1, 2]);
        assert!(shapes.class(with_xz) == class);

        shapes.forget(root);
        assert_eq!((shapes.free_shapes.len(), shapes.free_lines.len()), (5, 3));
        let again = shapes.root(class);
        assert_eq!((shapes.slot(again, x), shapes.fields(again)), (None, 0));
        class.header.word.set(again);
    }
}
