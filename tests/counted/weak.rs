//! Weak handles, and destructors that use handles.

use std::cell::RefCell;

use famalloc::rc::Counter;

use crate::common::times;
use crate::lives;
use crate::{InA, WeakInA, slots};

fn a_handle_may_lead_nowhere<C: Counter>() {
    let nowhere = WeakInA::<String, C>::new();
    let copy = nowhere.clone();
    assert!(nowhere.upgrade().is_none() && nowhere.ptr_eq(&copy));
    assert_eq!((nowhere.strong_count(), nowhere.weak_count(), slots()), (0, 0, 0));
    assert!(WeakInA::<String, C>::default().ptr_eq(&nowhere));
    let one = InA::<_, C>::new_in(String::new(), lives::A);
    assert!(!InA::downgrade(&one).ptr_eq(&nowhere));
    assert_eq!(format!("{nowhere:?}"), "(Weak)");
    // SAFETY: from `into_raw`, once.
    assert!(unsafe { WeakInA::<String, C>::from_raw(nowhere.into_raw()) }.upgrade().is_none());
    const NOWHERE: WeakInA<u8, famalloc::rc::Local> = WeakInA::new();
    assert!(NOWHERE.upgrade().is_none());
}

fn a_slot_stays_until_its_last_weak_handle<C: Counter>() {
    let one = InA::<_, C>::new_in(7, lives::A);
    let address = InA::as_ptr(&one);
    let weak = [InA::downgrade(&one), InA::downgrade(&one)];
    assert_eq!((InA::weak_count(&one), weak[0].weak_count()), (2, 2));
    drop(one);
    assert_eq!(slots(), 1);
    assert_ne!(InA::as_ptr(&InA::<_, C>::new_in(8, lives::A)), address);
    let [first, second] = weak;
    drop(first);
    assert_eq!((second.weak_count(), slots()), (0, 1));
    drop(second.clone());
    drop(second);
    assert_eq!(slots(), 0);
}

/// Its destructor looks at its own weak handle, and makes and drops others in the same family.
struct Busy<C: Counter> {
    me: RefCell<WeakInA<Busy<C>, C>>,
    others: Vec<InA<Busy<C>, C>>,
}

impl<C: Counter> Busy<C> {
    fn new(others: Vec<InA<Self, C>>) -> InA<Self, C> {
        InA::new_cyclic_in(|me| Self { me: RefCell::new(me.clone()), others }, lives::A)
    }
}

impl<C: Counter> Drop for Busy<C> {
    fn drop(&mut self) {
        let me = self.me.get_mut();
        assert!(me.upgrade().is_none(), "a value that is being dropped has no handle");
        assert_eq!(me.strong_count(), 0);
        // Now the last weak handle but that of the strong ones is gone; the slot has to stay.
        *me = WeakInA::new();
        let before = slots();
        let scratch: Vec<_> =
            (0..5_usize).map(|number| InA::<_, C>::new_in([number; 4], lives::A)).collect();
        assert_eq!(slots(), before + 5);
        assert!(scratch.iter().enumerate().all(|(number, it)| **it == [number; 4]));
        self.others.pop();
    }
}

fn a_destructor_may_use_its_family<C: Counter>() {
    let leaf = Busy::<C>::new(Vec::new());
    let middle = Busy::new(vec![leaf.clone(), leaf]);
    let kept = InA::downgrade(&middle);
    let root = Busy::new(vec![middle.clone(), middle]);
    assert_eq!(slots(), 3);
    drop(root);
    assert_eq!(slots(), 1);
    assert!(kept.upgrade().is_none());
}

fn a_long_list_is_dropped_from_the_front<C: Counter>() {
    const LINKS: u32 = times(1000, 40) as u32;
    struct Link<C: Counter>(u32, Option<InA<Link<C>, C>>);
    let mut list = None;
    for number in 0..LINKS {
        list = Some(InA::<_, C>::new_in(Link(number, list), lives::A));
    }
    let middle =
        std::iter::successors(list.clone(), |link| link.1.clone()).nth(LINKS as usize / 2 - 1);
    drop(list);
    assert_eq!((middle.map(|link| link.0), slots()), (Some(LINKS / 2), 0));
}

fn a_tree_with_parents_goes_at_once<C: Counter>() {
    struct Tree<C: Counter> {
        parent: RefCell<WeakInA<Tree<C>, C>>,
        children: RefCell<Vec<InA<Tree<C>, C>>>,
    }
    fn grow<C: Counter>(depth: u32) -> InA<Tree<C>, C> {
        let tree = InA::new_in(
            Tree { parent: RefCell::default(), children: RefCell::default() },
            lives::A,
        );
        if depth > 0 {
            for _ in 0..3 {
                let child = grow(depth - 1);
                *child.parent.borrow_mut() = InA::downgrade(&tree);
                tree.children.borrow_mut().push(child);
            }
        }
        tree
    }
    const DEPTH: u32 = times(5, 3) as u32;
    let root = grow::<C>(DEPTH);
    assert_eq!(slots(), (3_usize.pow(DEPTH + 1) - 1) / 2);
    let leaf = root.children.borrow()[0].clone();
    assert!(InA::ptr_eq(&leaf.parent.borrow().upgrade().unwrap(), &root));
    drop(root);
    assert!(leaf.parent.borrow().upgrade().is_none());
}

both!(
    a_handle_may_lead_nowhere,
    a_slot_stays_until_its_last_weak_handle,
    a_destructor_may_use_its_family,
    a_long_list_is_dropped_from_the_front,
    a_tree_with_parents_goes_at_once,
);
