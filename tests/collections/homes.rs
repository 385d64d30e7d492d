//! Vectors and strings wherever they can be at home: what their types allow, and what happens to the memory.

use std::alloc::Layout;
use std::ptr::NonNull;

use famalloc::collections::{SmallVec, String as Text, Vec as FamilyVec};
use famalloc::region::{InRegion, RegionString, RegionVec};
use famalloc::{AllocError, AllocErrorKind, AnyFamily, FamilyBox, RawAlloc, Region, alloc_family};

use crate::common::usage;
use crate::ledger::Ledger;

#[alloc_family]
enum Lives {
    Tree,
    Chosen,
    Frame,
    #[family(limit = "2 MiB")]
    Limited,
    Around,
}

#[alloc_family(Lives::Tree)]
#[derive(Clone, Debug, Default, PartialEq, PartialOrd)]
enum Value {
    #[default]
    Nothing,
    Number(f64),
    List(FamilyVec<Value>),
    Text(Text<lives::Tree>),
}

#[test]
fn a_type_may_hold_a_vector_of_itself() {
    type F = lives::Tree;
    let mut tree = Value::Nothing;
    for depth in 0..10 {
        tree = Value::List(FamilyVec::from([
            Value::Number(depth.into()),
            tree,
            Value::Text("x".into()),
        ]));
    }
    let copy = tree.clone();
    assert_eq!(copy, tree);
    // Ten lists and ten texts, twice.
    assert_eq!(usage::<F>().live_objects, 40);
    let Value::List(list) = &mut tree else { unreachable!() };
    list[1] = Value::Nothing;
    assert!(tree < copy);
    assert_eq!(format!("{tree:?}"), r#"List([Number(9.0), Nothing, Text("x")])"#);
    drop((tree, copy));
    assert_eq!(usage::<F>().live_objects, 0);
}

/// A tree in a region, whose nodes borrow others.
struct Node<'r> {
    name: &'r str,
    children: RegionVec<'r, Node<'r>>,
    around: Option<&'r RegionVec<'r, &'r str>>,
}

#[test]
fn vectors_in_a_region_refer_to_each_other() {
    let frame = Region::<lives::Frame>::new();
    let names = RegionVec::from_iter_in(["a", "b", "c"], frame.allocator());
    let mut root = Node { name: "root", children: Vec_in(&frame), around: None };
    for name in &names {
        let node = Node { name, children: Vec_in(&frame), around: Some(&names) };
        root.children.push(node);
    }
    assert_eq!(root.children.iter().map(|node| node.name).collect::<String>(), "abc");
    assert!(root.children.iter().all(|node| node.around.is_some_and(|it| it.len() == 3)));
    assert_eq!((root.name, root.children[0].children.len()), ("root", 0));
}

#[expect(non_snake_case, reason = "reads like a constructor")]
fn Vec_in<'r, T>(region: &'r Region<lives::Frame>) -> RegionVec<'r, T> {
    RegionVec::new_in(region.allocator())
}

#[test]
fn a_longer_life_is_good_enough() {
    fn first<'a, const N: usize>(
        of: FamilyVec<&'a str, lives::Tree>,
        small: SmallVec<&'a str, N, lives::Tree>,
        _: &'a str,
    ) -> [&'a str; 2] {
        [of[0], small[0]]
    }
    let long: FamilyVec<&'static str, lives::Tree> = FamilyVec::from(["long"]);
    let small: SmallVec<&'static str, 1, lives::Tree> = SmallVec::from(["small"]);
    let short = String::from("short");
    assert_eq!(first(long, small, &short), ["long", "small"]);
}

#[test]
fn sizes() {
    type Word = [usize; 1];
    assert_eq!(size_of::<Option<FamilyVec<u64, lives::Tree>>>(), 3 * size_of::<Word>());
    assert_eq!(size_of::<RegionVec<'_, u64>>(), 4 * size_of::<Word>());
    assert_eq!(size_of::<RegionString<'_>>(), 4 * size_of::<Word>());
    assert_eq!(size_of::<FamilyVec<u64, AnyFamily<Lives>>>(), 4 * size_of::<Word>());
}

#[test]
fn constants() {
    static NAMES: FamilyVec<&str, lives::Tree> = FamilyVec::new();
    const EMPTY: Text<lives::Tree> = Text::new();
    const ANYWHERE: SmallVec<u8, 3, lives::Tree> = SmallVec::new_in(lives::Tree);
    assert_eq!((NAMES.len(), EMPTY.len(), ANYWHERE.capacity()), (0, 0, 3));
    assert!(NAMES.as_ptr().is_aligned());
}

#[test]
fn empty_ones_are_aligned() {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct Aligned;
    #[repr(align(64))]
    struct Large(#[expect(dead_code, reason = "it is there for its size")] u8);
    assert!(FamilyVec::<Aligned, lives::Tree>::from([Aligned; 3]).as_ptr().is_aligned());
    assert!(FamilyVec::<Large, lives::Tree>::new().as_ptr().is_aligned());
    assert!(SmallVec::<Large, 2, lives::Tree>::new().as_ptr().is_aligned());
}

#[test]
fn the_family_may_be_chosen_at_run_time() {
    type F = lives::Chosen;
    let chosen = AnyFamily::from(Lives::Chosen);
    let ledger = Ledger::default();
    let mut vec = FamilyVec::from_iter_in(ledger.values(20), chosen);
    let tail = vec.split_off(10);
    let copy = vec.clone();
    assert_eq!(usage::<F>().live_objects, 3);
    let boxed: FamilyBox<[_], AnyFamily<Lives>> = tail.into_boxed_slice();
    assert_eq!((boxed.len(), usage::<F>().live_objects), (10, 3));
    let small = SmallVec::<_, 16, _>::from(boxed);
    assert_eq!((small.spilled(), usage::<F>().live_objects), (false, 2));
    vec.shrink_to_fit();
    let mut taken = copy.into_iter();
    assert_eq!(taken.next_back().map(|value| value.number()), Some(29));
    drop((vec, taken, small));
    assert_eq!((ledger.live(), usage::<F>().live_objects), (0, 0));

    let mut text = Text::from_str_in("né", chosen);
    text.insert_str(1, "a_");
    text.retain(|kept| kept != '_');
    let (head, tail) = (text.clone(), text.split_off(2));
    assert_eq!((&*text, &*tail, &*head), ("na", "é", "naé"));
    assert_eq!(usage::<F>().live_objects, 3);
    drop((text, tail, head));
    assert_eq!(usage::<F>().live_objects, 0);
}

#[test]
fn elements_in_a_region_are_dropped_once_and_the_memory_is_used_again() {
    let ledger = Ledger::default();
    let frame = Region::<lives::Frame>::new();
    for round in 0..50 {
        let mut vec = RegionVec::from_iter_in(ledger.values(20), frame.allocator());
        let mut small =
            SmallVec::<_, 4, InRegion<'_>>::from_iter_in(ledger.values(9), frame.allocator());
        small.append(&mut vec);
        drop(small.drain(3..12));
        let boxed = small.into_boxed_slice();
        assert_eq!((boxed.len(), ledger.live()), (20, 20));
        // A forgotten one is the region's, and its elements nobody's.
        if round % 10 == 0 {
            boxed.into_iter().for_each(drop);
        } else {
            drop(FamilyVec::from(boxed));
        }
    }
    assert_eq!(ledger.live(), 0);
    let used = frame.usage();
    assert_eq!((used.live_bytes, used.chunks), (0, 1));
}

#[test]
fn a_region_and_a_limit_can_be_exhausted() {
    let frame = Region::<lives::Limited>::new();
    let mut vec = RegionVec::new_in(frame.allocator());
    let error = loop {
        match vec.try_push([7_u8; 1024]) {
            Ok(()) => {}
            Err((_, error)) => break error,
        }
    };
    assert_eq!(error.kind(), AllocErrorKind::Limit);
    assert!(vec.len() > 200, "only {} fitted", vec.len());
    assert!(vec.iter().all(|it| *it == [7; 1024]));
    let mut text = RegionString::new_in(frame.allocator());
    assert_eq!(text.try_reserve(4 << 20).unwrap_err().kind(), AllocErrorKind::Limit);
}

/// An allocator of the user's with a value and a default, and with more room than requested.
#[derive(Clone, Default)]
struct Roomy(std::rc::Rc<std::cell::Cell<isize>>);

fn roomy(layout: Layout) -> Layout {
    let size = if layout.size() == 0 { 0 } else { layout.size().next_multiple_of(100) };
    Layout::from_size_align(size, layout.align()).unwrap()
}

// SAFETY: it is the family's, with more room. A layout is as good as another one of the same room.
unsafe impl RawAlloc for Roomy {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.0.set(self.0.get() + roomy(layout).size() as isize);
        lives::Around.alloc(roomy(layout))
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        self.0.set(self.0.get() - roomy(layout).size() as isize);
        // SAFETY: as it was allocated.
        unsafe { lives::Around.free(start, roomy(layout)) };
    }

    fn usable_size(&self, layout: Layout) -> usize {
        roomy(layout).size()
    }
}

#[test]
fn an_allocator_of_the_users_is_asked_for_its_usable_size() {
    let mut vec = FamilyVec::<u8, Roomy>::default();
    let account = vec.allocator().0.clone();
    vec.push(1);
    assert_eq!((vec.capacity(), account.get()), (100, 100));
    vec.resize(100, 2);
    assert_eq!(account.get(), 100);
    let copy = vec.clone();
    vec.push(3);
    assert_eq!((vec.capacity(), account.get()), (200, 300));
    let text = ["a", "b"].into_iter().collect::<Text<Roomy>>();
    assert_eq!((&*text, text.capacity(), text.allocator().0.get()), ("ab", 100, 100));
    drop((vec, copy));
    assert_eq!(account.get(), 0);
    drop(text);
    assert_eq!(usage::<lives::Around>().live_objects, 0);
}
