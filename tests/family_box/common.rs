//! The families of these tests, and values that keep account of themselves.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use famalloc::{FamilyBox, alloc_family};

#[alloc_family]
pub(crate) enum Lives {
    A,
    B,
}

pub(crate) type InA<T> = FamilyBox<T, lives::A>;
pub(crate) type InB<T> = FamilyBox<T, lives::B>;

/// A type of family A.
#[alloc_family(Lives::A)]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node(pub(crate) u32);

/// Keeps account of the [`Tracked`] values made from it.
///
/// When it is dropped it checks that each of them was dropped exactly once.
#[derive(Default)]
pub(crate) struct Ledger {
    books: Rc<Books>,
}

#[derive(Default)]
struct Books {
    /// How often each value was dropped, by number.
    drops: RefCell<Vec<u32>>,
    /// The clone that panics, counted down.
    clone_bomb: Cell<Option<usize>>,
    /// The number of the value whose destructor panics.
    drop_bomb: Cell<Option<usize>>,
}

impl Ledger {
    pub(crate) fn value(&self) -> Tracked {
        Tracked::new(&self.books)
    }

    pub(crate) fn values(&self, count: usize) -> Vec<Tracked> {
        (0..count).map(|_| self.value()).collect()
    }

    /// Lets the clone after `clones` more of them panic.
    pub(crate) fn clone_fails_after(&self, clones: usize) {
        self.books.clone_bomb.set(Some(clones));
    }

    /// Lets the destructor of value number `index` panic.
    pub(crate) fn drop_fails_at(&self, index: usize) {
        self.books.drop_bomb.set(Some(index));
    }

    pub(crate) fn made(&self) -> usize {
        self.books.drops.borrow().len()
    }

    pub(crate) fn dropped(&self) -> usize {
        self.books.drops.borrow().iter().map(|&drops| drops as usize).sum()
    }

    pub(crate) fn live(&self) -> usize {
        self.made() - self.dropped()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for (index, &drops) in self.books.drops.borrow().iter().enumerate() {
                assert_eq!(drops, 1, "value {index} was dropped {drops} times");
            }
        }
    }
}

/// A value that a [`Ledger`] knows.
pub(crate) struct Tracked {
    pub(crate) index: usize,
    books: Rc<Books>,
}

impl Tracked {
    fn new(books: &Rc<Books>) -> Self {
        let mut drops = books.drops.borrow_mut();
        drops.push(0);
        Self { index: drops.len() - 1, books: Rc::clone(books) }
    }

    /// The index, in a way that makes a closure take the whole value.
    pub(crate) fn number(&self) -> usize {
        self.index
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        match self.books.clone_bomb.get() {
            Some(0) => panic!("clone"),
            Some(left) => self.books.clone_bomb.set(Some(left - 1)),
            None => {}
        }
        Self::new(&self.books)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.books.drops.borrow_mut()[self.index] += 1;
        if self.books.drop_bomb.get() == Some(self.index) {
            self.books.drop_bomb.set(None);
            panic!("drop");
        }
    }
}

/// Runs something that panics, and returns the message.
pub(crate) fn panic_of<R>(action: impl FnOnce() -> R) -> String {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(action)) else {
        panic!("this was to panic");
    };
    match payload.downcast::<&str>() {
        Ok(text) => (*text).to_owned(),
        Err(payload) => *payload.downcast::<String>().unwrap(),
    }
}
