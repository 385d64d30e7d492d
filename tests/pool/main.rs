//! Pools: against a model that knows which object lies where, when constructors, hooks and
//! destructors panic, at a family's limit, for types of every shape, and on several threads.

#[path = "../common/mod.rs"]
mod common;
mod limits;
mod model;
mod panics;
mod shapes;
mod threads;

use std::cell::RefCell;

use famalloc::object_alloc::Lent;
use famalloc::pool::PoolFront;
use famalloc::{FamilyBox, FamilyKey, Pool, alloc_family};

#[alloc_family]
enum Lives {
    Probe,
    Shapes,
    Threads,
    #[family(limit = "1 MiB")]
    Limited,
    #[family(limit = "128 KiB")]
    Cramped,
}

pub(crate) type InProbe<T> = FamilyBox<T, lives::Probe>;
pub(crate) type Front<'p, F> = PoolFront<'p, Probe, F>;
pub(crate) type InFront<'f, 'p, F> = Lent<'f, Probe, Front<'p, F>>;

/// What happened to the probes of this thread, by number.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) resets: Vec<u32>,
    pub(crate) drops: Vec<u32>,
    pub(crate) make_fails: bool,
    pub(crate) reset_fails: Option<usize>,
    pub(crate) drop_fails: Option<usize>,
}

thread_local! {
    static BOOKS: RefCell<Books> = RefCell::default();
}

pub(crate) fn books<R>(with: impl FnOnce(&mut Books) -> R) -> R {
    BOOKS.with_borrow_mut(with)
}

/// An object that keeps the books.
pub(crate) struct Probe {
    pub(crate) id: usize,
    /// Says so if the object is not one.
    pub(crate) canary: u64,
}

pub(crate) const CANARY: u64 = 0x5EED_0B1E_C700_0000;

impl Probe {
    pub(crate) fn new() -> Self {
        books(|books| {
            assert!(!std::mem::take(&mut books.make_fails), "make");
            books.resets.push(0);
            books.drops.push(0);
            let id = books.drops.len() - 1;
            Self { id, canary: CANARY ^ id as u64 }
        })
    }

    fn verify(&self) {
        assert_eq!(self.canary, CANARY ^ self.id as u64);
    }

    pub(crate) fn reset(&mut self) {
        self.verify();
        books(|books| {
            books.resets[self.id] += 1;
            assert!(books.reset_fails.take_if(|id| *id == self.id).is_none(), "reset");
        });
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.verify();
        books(|books| {
            books.drops[self.id] += 1;
            assert!(books.drop_fails.take_if(|id| *id == self.id).is_none(), "drop");
        });
        self.canary = 0;
    }
}

pub(crate) fn pool() -> Pool<Probe, lives::Probe> {
    pool_in(lives::Probe)
}

pub(crate) fn pool_in<F: FamilyKey>(family: F) -> Pool<Probe, F> {
    Pool::new_in(Probe::new, family).with_reset(Probe::reset)
}

pub(crate) fn made() -> usize {
    books(|books| books.drops.len())
}

pub(crate) fn dropped() -> usize {
    books(|books| books.drops.iter().map(|&drops| drops as usize).sum())
}

pub(crate) fn everything_was_dropped_once() {
    books(|books| assert!(books.drops.iter().all(|&drops| drops == 1), "{:?}", books.drops));
}

/// How many objects a front of small ones holds.
pub(crate) const CAPACITY: usize = 32;
