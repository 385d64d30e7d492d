//! Thin slices and text behave like `Vec` and `String` of the same contents, drop everything exactly
//! once, and lose no slot to a panic.

#[path = "../family_box/common.rs"]
#[allow(dead_code, reason = "these tests use some of it")]
mod ledger;

use std::alloc::Layout;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::iter;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;
use std::rc::Rc;

use crate::common::{Random, on_a_thread, one_at_a_time, times, usage};
use famalloc::{AllocError, AnyFamily, FamilyBox, RawAlloc, Region, ThinSlice, ThinStr};
use ledger::{Ledger, Lives, Tracked, lives, panic_of};

type InA<T> = ThinSlice<T, lives::A>;
type Text = ThinStr<lives::A>;

fn slots() -> usize {
    usage::<lives::A>().live_objects
}

/// After the test no slot of the family is in use.
fn leaks_nothing(test: impl FnOnce() + Send) {
    let _alone = one_at_a_time();
    on_a_thread(test);
    assert_eq!(slots(), 0);
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn equal_both_ways<A, B>(one: &A, other: &B) -> bool
where
    A: PartialEq<B> + ?Sized,
    B: PartialEq<A> + ?Sized,
{
    [<A as PartialEq<B>>::eq(one, other), <B as PartialEq<A>>::eq(other, one)] == [true; 2]
}

#[test]
fn handles_are_one_word() {
    assert_eq!(size_of::<InA<u8>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<InA<[u64; 9]>>>(), size_of::<usize>());
    assert_eq!(size_of::<Text>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Text>>(), size_of::<usize>());
    assert_eq!(size_of::<ThinSlice<ledger::Node>>(), size_of::<usize>());
}

#[test]
fn marker_traits_follow_the_elements() {
    fn has_all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    has_all::<InA<String>>();
    has_all::<Text>();
    fn send<T: Send>() {}
    fn unpin<T: Unpin>() {}
    send::<InA<std::cell::Cell<u8>>>();
    unpin::<InA<std::marker::PhantomPinned>>();
    fn shorten<'short>(slice: InA<&'static str>) -> InA<&'short str> {
        slice
    }
    leaks_nothing(|| assert_eq!(shorten(["x"].into()), ["x"]));
}

#[repr(align(64))]
#[derive(Clone, Debug, PartialEq)]
struct Line(u8);

#[repr(align(128))]
#[derive(Clone, Debug, PartialEq)]
struct Lines(u8);

#[repr(align(4096))]
#[derive(Clone, Debug, PartialEq)]
struct Page(u8);

#[repr(align(4096))]
#[derive(Clone, Debug, PartialEq)]
struct AlignedNothing;

#[test]
fn what_is_empty_takes_no_memory() {
    fn empty<T: Clone + Debug + PartialEq>(takes: usize) {
        let all = [
            InA::<T>::new(),
            InA::default(),
            [].into(),
            Vec::new().into(),
            InA::from(&[][..]),
            iter::empty().collect(),
            iter::empty().filter(|_| true).collect(),
            FamilyBox::<[T], lives::A>::default().into(),
            InA::try_from_slice(&[]).unwrap(),
            InA::new().clone(),
        ];
        assert_eq!(slots(), takes * all.len());
        for slice in all {
            assert!(slice.is_empty() && slice.as_ptr().is_aligned());
            assert_eq!(slice, InA::new());
            // SAFETY: from `into_raw`, once.
            let slice = unsafe { InA::<T>::from_raw(InA::into_raw(slice)) };
            assert!(slice.into_iter().next().is_none());
        }
        assert_eq!(slots(), 0);
    }
    leaks_nothing(|| {
        empty::<u8>(0);
        empty::<()>(0);
        empty::<String>(0);
        empty::<Line>(0);
        // Above that there is no constant that is aligned so.
        empty::<Lines>(1);
        empty::<Page>(1);
        empty::<AlignedNothing>(1);
        assert_eq!([Text::new(), Text::default(), "".into(), String::new().into()], [""; 4]);
        assert_eq!(slots(), 0);
    });
}

fn round_trip<T: Clone + Debug + PartialEq>(value: &T) {
    for len in [0, 1, 2, 3, 10].into_iter().step_by(times(1, 2)) {
        let expected = vec![value.clone(); len];
        let slice = InA::from(&*expected);
        assert!(slice.as_ptr().is_aligned());
        assert_eq!((slice.len(), &slice), (len, &InA::from(expected.clone())));
        assert_eq!(slice, expected);
        assert_eq!(slice.clone().into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(Vec::from(slice.clone()), expected);
        assert_eq!(InA::from(expected.clone().into_boxed_slice()), slice);
        assert_eq!(InA::from(slice.clone().into_boxed_slice()), slice);
        assert_eq!(InA::from(Cow::Borrowed(&*expected)), slice);
        assert_eq!(InA::from(Cow::Owned(expected.clone())), slice);
        assert_eq!(InA::try_from_slice(&expected).unwrap(), slice);
        assert_eq!(expected.iter().cloned().collect::<InA<T>>(), slice);
        assert_eq!(expected.iter().filter(|_| true).cloned().collect::<InA<T>>(), slice);
        assert_eq!((&slice).into_iter().count(), len);
        // SAFETY: from `into_raw`, once.
        assert_eq!(unsafe { InA::<T>::from_raw(InA::into_raw(slice)) }, expected);
    }
}

#[test]
fn any_layout_works() {
    leaks_nothing(|| {
        round_trip(&());
        round_trip(&AlignedNothing);
        round_trip(&7_u8);
        round_trip(&[1_u8, 2, 3]);
        round_trip(&(1_u8, 2_u64, 3_u16));
        round_trip(&u128::MAX);
        round_trip(&Line(1));
        round_trip(&Lines(1));
        round_trip(&Page(1));
        round_trip(&[0x5a_u128; 4 << 10]);
        round_trip(&String::from("owns"));
    });
}

#[test]
fn many_keep_their_contents() {
    leaks_nothing(|| {
        let mut random = Random::new(7);
        let mut both = Vec::<(InA<u16>, Vec<u16>)>::new();
        for _ in 0..times(20_000, 50) {
            match random.below(5) {
                0 | 1 => {
                    let len = random.below(60);
                    let expected: Vec<_> = (0..len).map(|_| random.next() as u16).collect();
                    both.push((InA::from(&*expected), expected));
                }
                2 if !both.is_empty() => {
                    let at = random.below(both.len());
                    let (ours, theirs) = both.swap_remove(at);
                    assert_eq!(ours, theirs);
                }
                3 if both.len() > 1 => {
                    let (at, from) = (random.below(both.len()), random.below(both.len()));
                    if at != from {
                        let (source, theirs) = both[from].clone();
                        both[at].0.clone_from(&source);
                        both[at].1 = theirs;
                    }
                }
                _ if !both.is_empty() => {
                    let at = random.below(both.len());
                    both[at].0.sort_unstable();
                    both[at].1.sort_unstable();
                }
                _ => {}
            }
        }
        assert_eq!(slots(), both.iter().filter(|(ours, _)| !ours.is_empty()).count());
        assert!(both.iter().all(|(ours, theirs)| ours == theirs));
    });
}

#[test]
fn text_is_like_string() {
    leaks_nothing(|| {
        let texts = [
            "",
            "x",
            "seven b",
            "eight by",
            "\u{1f980}",
            "a",
            "b",
            &"long".repeat(times(3000, 30)),
        ];
        for text in texts {
            let ours = Text::from(text);
            assert_eq!((&*ours, ours.len()), (text, text.len()));
            assert!(equal_both_ways(&ours, text));
            assert!(equal_both_ways(&ours, &text));
            assert!(equal_both_ways(&ours, &String::from(text)));
            assert_eq!(format!("{ours}{ours:?}{ours:>9}"), format!("{text}{text:?}{text:>9}"));
            assert_eq!(hash(&ours), hash(text));
            assert_eq!(Text::try_from_str(text).unwrap(), ours);
            assert_eq!(Text::from(String::from(text)), ours);
            assert_eq!(Text::from(Cow::Borrowed(text)), ours);
            assert_eq!(Text::from(FamilyBox::<str, lives::A>::from(text)), ours);
            assert_eq!(*FamilyBox::<str, lives::A>::from(ours.clone()), *text);
            assert_eq!(text.chars().collect::<Text>(), ours);
            assert_eq!(String::from(ours.clone()), text);
            let bytes = ours.clone().into_bytes();
            assert_eq!((&*bytes, hash(&bytes)), (text.as_bytes(), hash(text.as_bytes())));
            assert_eq!(Text::from_utf8(bytes).unwrap(), ours);
            // SAFETY: from `into_raw`, once.
            assert_eq!(unsafe { Text::from_raw(Text::into_raw(ours)) }, text);
            for other in texts {
                let ordering = Text::from(text).cmp(&Text::from(other));
                assert_eq!(ordering, text.cmp(other));
            }
        }
        let mut text = Text::from(&mut *String::from("case"));
        text.make_ascii_uppercase();
        assert_eq!(text, "CASE");
        let set: HashSet<Text> = ["x".into(), "y".into()].into();
        assert!(set.contains("x") && !set.contains("z"));
        let set: BTreeSet<Text> = ["x".into(), "y".into()].into();
        assert!(set.contains("x") && !set.contains("z"));
        let (bytes, error) = Text::from_utf8([b'x', 0xff].into()).unwrap_err();
        assert_eq!((&bytes, error.valid_up_to()), (&InA::from(*b"x\xff"), 1));
    });
}

#[test]
fn slices_compare_like_slices() {
    leaks_nothing(|| {
        let one = InA::from([1, 2]);
        assert!(one == [1, 2] && one == vec![1, 2] && one != [1, 3]);
        assert!(equal_both_ways(&one, &[1, 2][..]) && equal_both_ways(&one, &&[1, 2][..]));
        let (greater, less) = (InA::from([1, 3]), InA::from([1]));
        assert!(less < one && one < greater && one.cmp(&less).is_gt());
        assert_eq!(one, ThinSlice::<_, lives::B>::from([1, 2]));
        let nan = InA::from([f64::NAN]);
        assert!(nan != nan.clone() && nan.partial_cmp(&nan).is_none());
        let set: HashSet<InA<u8>> = [[1_u8, 2].into()].into();
        assert!(set.contains(&[1, 2][..]) && !set.contains(&[1][..]));
        assert_eq!(format!("{one:?} {one:p}"), format!("[1, 2] {:p}", one.as_ptr()));
    });
}

#[test]
fn elements_are_dropped_once_and_in_order() {
    leaks_nothing(|| {
        let ledger = Ledger::default();
        let slice = InA::from(ledger.values(3));
        assert_eq!((ledger.made(), ledger.live(), slots()), (3, 3, 1));
        let mut values = slice.into_iter();
        assert_eq!(values.next().map(|value| value.index), Some(0));
        assert_eq!(ledger.live(), 2);
        drop(values);
        assert_eq!(ledger.live(), 0);
        let boxed = InA::from([ledger.value()]).into_boxed_slice();
        let slice = InA::from(boxed);
        assert_eq!((slice.len(), slots()), (1, 1));
        drop(slice);

        struct Noting<'a>(u32, &'a std::cell::RefCell<Vec<u32>>);
        impl Drop for Noting<'_> {
            fn drop(&mut self) {
                self.1.borrow_mut().push(self.0);
            }
        }
        let order = std::cell::RefCell::default();
        drop(InA::from([Noting(0, &order), Noting(1, &order), Noting(2, &order)]));
        assert_eq!(*order.borrow(), [0, 1, 2]);
    });
}

#[test]
fn a_panic_leaks_nothing() {
    leaks_nothing(|| {
        for failing in 0..5 {
            let ledger = Ledger::default();
            let mut slice = InA::from(ledger.values(5));
            ledger.clone_fails_after(failing);
            assert_eq!(panic_of(|| slice.clone()), "clone");
            assert_eq!((ledger.live(), slots()), (5, 1));
            ledger.clone_fails_after(failing);
            assert_eq!(panic_of(|| InA::try_from_slice(&slice)), "clone");
            let other = InA::from(ledger.values(5));
            ledger.clone_fails_after(failing);
            assert_eq!(panic_of(|| slice.clone_from(&other)), "clone");
            drop(other);
            assert_eq!((slice.len(), ledger.live(), slots()), (5, 5, 1));
            let at = slice[failing].index;
            ledger.drop_fails_at(at);
            assert_eq!(panic_of(|| drop(slice)), "drop");
            assert_eq!((ledger.live(), slots()), (0, 0));
        }
    });
}

/// An iterator that says it has as many elements as it likes, and has others.
struct Liar<'a> {
    ledger: &'a Ledger,
    says: usize,
    has: usize,
    panics: bool,
}

impl Iterator for Liar<'_> {
    type Item = Tracked;

    fn next(&mut self) -> Option<Tracked> {
        if self.has == 0 {
            assert!(!self.panics, "iterator");
            return None;
        }
        self.has -= 1;
        Some(self.ledger.value())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.says, Some(self.says))
    }
}

#[test]
fn iterators_may_lie_and_panic() {
    leaks_nothing(|| {
        for says in [0, 1, 3, 10] {
            for has in [0, 1, 2, 3, 4, 20].into_iter().skip(times(0, 4)) {
                let ledger = Ledger::default();
                let liar = |panics| Liar { ledger: &ledger, says, has, panics };
                let slice: InA<_> = liar(false).collect();
                let indices: Vec<_> = slice.iter().map(|value| value.index).collect();
                assert_eq!(indices, (0..has).collect::<Vec<_>>());
                assert_eq!(panic_of(|| liar(true).collect::<InA<_>>()), "iterator");
                assert_eq!((ledger.made(), ledger.live()), (2 * has, has));
            }
        }
    });
}

#[test]
fn what_is_too_large_is_refused() {
    leaks_nothing(|| {
        // As long as an address space, of no bytes.
        let endless: Box<[()]> = Box::new([(); usize::MAX]);
        let slice = InA::from(endless);
        assert_eq!((slice.len(), slots()), (usize::MAX, 1));
        drop(slice);
        struct Huge;
        impl Iterator for Huge {
            type Item = u64;
            fn next(&mut self) -> Option<u64> {
                unreachable!("there is no room for the first")
            }
            fn size_hint(&self) -> (usize, Option<usize>) {
                (usize::MAX / 4, Some(usize::MAX / 4))
            }
        }
        assert_eq!(panic_of(|| Huge.collect::<InA<u64>>()), "capacity overflow");
    });
}

/// All that thin handles do, in a home of which `live` says how much memory is in use.
fn serves<A: RawAlloc + Clone>(home: &A, live: &dyn Fn() -> usize) {
    assert_eq!(live(), 0);
    let ledger = Ledger::default();
    let slice = ThinSlice::from_iter_in(ledger.values(3), home.clone());
    let mut other = slice.clone();
    assert_eq!((slice.len(), ledger.live()), (3, 6));
    other.clone_from(&slice);
    let (raw, alloc) = ThinSlice::into_raw_with_allocator(other);
    // SAFETY: as it came, once.
    let boxed = unsafe { ThinSlice::from_raw_in(raw, alloc) }.into_boxed_slice();
    assert_eq!((boxed.len(), ledger.live()), (3, 6));
    let other = ThinSlice::from(boxed);
    drop(slice);
    assert!(other.into_iter().map(|value| value.index).eq(6..9));
    assert_eq!((ledger.live(), live()), (0, 0));

    // Of known, unknown and wrong lengths.
    for claim in [None, Some(0), Some(2), Some(3), Some(5), Some(9)] {
        let collected = ThinSlice::from_iter_in(Claiming(ledger.values(5), claim), home.clone());
        assert!(collected.len() <= 5 && collected.len() == ledger.live());
        drop(collected);
    }
    assert_eq!(live(), 0);
    let empty = ThinSlice::<u64, _>::new_in(home.clone());
    assert_eq!((live(), empty.clone()), (0, ThinSlice::from_slice_in(&[], home.clone())));

    let text = ThinStr::from_str_in("text", home.clone());
    assert!(live() > 0);
    assert_eq!((&text, &*text), (&ThinStr::try_from_str_in("text", home.clone()).unwrap(), "text"));
    assert_eq!(text, ThinStr::<lives::B>::from("text"));
    let (raw, alloc) = ThinStr::into_raw_with_allocator(text.clone());
    // SAFETY: as it came, once.
    let boxed = FamilyBox::<str, _>::from(unsafe { ThinStr::from_raw_in(raw, alloc) });
    assert_eq!(*boxed, *text);
    assert_eq!(ThinStr::from(boxed).into_bytes(), *b"text");
    drop(text);
    assert_eq!((ThinStr::new_in(home.clone()).len(), live()), (0, 0));

    let values = ledger.values(3);
    ledger.clone_fails_after(2);
    assert_eq!(panic_of(|| ThinSlice::from_slice_in(&values, home.clone())), "clone");
    assert_eq!((ledger.live(), live()), (3, 0));
    let slice = ThinSlice::from_iter_in(values, home.clone());
    ledger.drop_fails_at(slice[1].index);
    assert_eq!(panic_of(|| drop(slice)), "drop");
    assert_eq!((ledger.live(), live()), (0, 0));
}

/// Values, and a claim of how many there are.
struct Claiming(Vec<Tracked>, Option<usize>);

impl Iterator for Claiming {
    type Item = Tracked;

    fn next(&mut self) -> Option<Tracked> {
        self.0.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.1.unwrap_or(0), self.1)
    }
}

/// An allocator that is no plain value: who forgets it, or drops it twice, is found out, and so is who frees
/// other memory than was allocated.
#[derive(Clone)]
struct Noting {
    live: Rc<Cell<usize>>,
}

// SAFETY: a family's memory, of which it keeps account.
unsafe impl RawAlloc for Noting {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        self.live.set(self.live.get() + layout.size());
        lives::A.alloc(layout)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        self.live.set(self.live.get() - layout.size());
        // SAFETY: passed on.
        unsafe { lives::A.free(start, layout) };
    }
}

#[test]
fn other_homes_serve_as_well() {
    leaks_nothing(|| {
        serves(&lives::A, &slots);
        serves(&AnyFamily::from(Lives::A), &slots);
        let region = Region::<lives::B>::new();
        serves(&region.allocator(), &|| region.usage().live_bytes);
        serves(&&region, &|| region.usage().live_bytes);
        let home = Noting { live: Rc::default() };
        serves(&home, &|| home.live.get());
        assert_eq!(Rc::strong_count(&home.live), 1, "each copy is dropped, once");
        assert_eq!(size_of::<ThinStr<AnyFamily<Lives>>>(), 2 * size_of::<usize>());
    });
}
