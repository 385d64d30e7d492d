//! The `try_` forms of what makes handles and collections: wherever an allocation is refused, the call returns an
//! error, drops what it was given, and leaves no memory behind; at the limit of a family nothing else changes.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::NonNull;

use famalloc::collections::{SmallVec, String, Vec as FamilyVec};
use famalloc::rc::{Counted, Counter, Local, Shared};
use famalloc::{
    AllocError, AllocErrorKind, FamilyBox, FamilyUse, RawAlloc, ThinSlice, ThinStr, alloc_family,
    alloc_in, free_in,
};

#[alloc_family]
enum Lives {
    Roomy,
    #[family(limit = "64 KiB")]
    Limited,
    #[family(limit = "1 MiB")]
    Megabyte,
}

/// Refuses one call or all from there on, and counts what it has handed out.
struct Refusing {
    calls: Cell<usize>,
    refuses: Cell<usize>,
    for_good: bool,
    live: Cell<isize>,
}

// SAFETY: a family's memory.
unsafe impl RawAlloc for &Refusing {
    fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        if layout.size() == 0 {
            return lives::Roomy.alloc(layout);
        }
        let call = self.calls.replace(self.calls.get() + 1);
        let refuses = self.refuses.get();
        if call == refuses || (self.for_good && call > refuses) {
            return Err(alloc_in::<lives::Roomy>(usize::MAX).unwrap_err());
        }
        let start = lives::Roomy.alloc(layout)?;
        self.live.set(self.live.get() + 1);
        Ok(start)
    }

    unsafe fn free(&self, start: NonNull<u8>, layout: Layout) {
        self.live.set(self.live.get() - isize::from(layout.size() > 0));
        // SAFETY: passed on.
        unsafe { lives::Roomy.free(start, layout) };
    }
}

/// A value that is counted.
struct Value<'a>(&'a Cell<usize>, u32);

impl<'a> Value<'a> {
    fn new(live: &'a Cell<usize>, number: u32) -> Self {
        live.set(live.get() + 1);
        Self(live, number)
    }
}

impl Clone for Value<'_> {
    fn clone(&self) -> Self {
        Self::new(self.0, self.1)
    }
}

impl Drop for Value<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An iterator that claims something about its length.
struct Claims<I>(I, (usize, Option<usize>));

impl<I: Iterator> Iterator for Claims<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

/// Has each allocation of a call refused in turn, until it gets them all; returns how many those are.
fn refuse_each(make: impl for<'a> Fn(&'a Refusing) -> Result<(), AllocError>) -> usize {
    let mut needed = 0;
    for for_good in [true, false] {
        for refuses in 0.. {
            let (calls, live) = (Cell::new(0), Cell::new(0));
            let alloc = Refusing { calls, refuses: Cell::new(refuses), for_good, live };
            let made = make(&alloc);
            let all = alloc.calls.get() <= refuses;
            assert!(made.is_ok() || !all, "nothing was refused");
            assert_eq!(alloc.live.get(), 0, "memory is lost at refusal {refuses}");
            if all {
                needed = refuses;
                break;
            }
        }
    }
    needed
}

const MANY: u32 = 100;

/// The iterators over [`MANY`] values that differ in what they say of their length.
fn each_iterator<'a>(
    live: &'a Cell<usize>,
    mut with: impl FnMut(Box<dyn Iterator<Item = Value<'a>> + 'a>),
) {
    let many = MANY as usize;
    let values = || (0..MANY).map(|number| Value::new(live, number));
    let claims =
        [(many, Some(many)), (0, None), (7, Some(7)), (many + 9, Some(many + 9)), (3, Some(many))];
    with(Box::new(values()));
    with(Box::new(values().collect::<Vec<_>>().into_iter()));
    for claim in claims {
        with(Box::new(Claims(values(), claim)));
    }
}

/// The calls of one kind of slice: from a slice, and from an iterator.
macro_rules! slices {
    ($test:ident, $kind:ty) => {
        #[test]
        fn $test() {
            let live = Cell::new(0);
            let given: Vec<_> = (0..MANY).map(|number| Value::new(&live, number)).collect();
            let numbers =
                |values: &[Value]| assert!(values.iter().map(|value| value.1).eq(0..MANY));
            let needed = refuse_each(|alloc| {
                let made = <$kind>::try_from_slice_in(&given, alloc).map(|made| numbers(&made));
                assert_eq!(live.get(), given.len());
                made
            });
            assert!(needed > 0);
            drop(given);
            let mut most = 0;
            // One of them at a time, each allocation refused in turn.
            for which in 0..7 {
                let needed = refuse_each(|alloc| {
                    let (mut at, mut made) = (0, None);
                    each_iterator(&live, |values| {
                        if at == which {
                            made = Some(
                                <$kind>::try_from_iter_in(values, alloc).map(|made| numbers(&made)),
                            );
                        }
                        at += 1;
                    });
                    assert_eq!((at, live.get()), (7, 0), "each value is dropped, once");
                    made.unwrap()
                });
                most = most.max(needed);
            }
            assert!(most > 1, "one of them has to grow");
        }
    };
}

slices!(boxed_slices, FamilyBox<[Value], &Refusing>);
slices!(slices_counted_by_one_thread, Counted<[Value], &Refusing, Local>);
slices!(slices_counted_by_all_threads, Counted<[Value], &Refusing, Shared>);
slices!(thin_slices, ThinSlice<Value, &Refusing>);
slices!(vectors, FamilyVec<Value, &Refusing>);
slices!(small_vectors, SmallVec<Value, 4, &Refusing>);

#[test]
fn values_without_a_size_need_no_room() {
    let claims = || Claims((0..1000).map(|_| ()), (5, None));
    assert_eq!(FamilyBox::<[()], lives::Limited>::try_from_iter(claims()).unwrap().len(), 1000);
    assert_eq!(FamilyBox::<[()], lives::Limited>::try_from_slice(&[(); 9]).unwrap().len(), 9);
    assert_eq!(FamilyVec::<(), lives::Limited>::try_from_iter(claims()).unwrap().len(), 1000);
    assert_eq!(ThinSlice::<(), lives::Limited>::try_from_iter(claims()).unwrap().len(), 1000);
}

#[test]
fn texts_and_room() {
    let text = "0123456789".repeat(10);
    let same = |made: &str| assert_eq!(made, text);
    let counts = [
        refuse_each(|alloc| FamilyBox::try_from_str_in(&text, alloc).map(|made| same(&made))),
        refuse_each(|alloc| ThinStr::try_from_str_in(&text, alloc).map(|made| same(&made))),
        refuse_each(|alloc| String::try_from_str_in(&text, alloc).map(|made| same(&made))),
        refuse_each(|alloc| {
            Counted::<str, _, Shared>::try_from_str_in(&text, alloc).map(|made| same(&made))
        }),
        refuse_each(|alloc| {
            String::try_with_capacity_in(90, alloc).map(|made| assert!(made.capacity() >= 90))
        }),
        refuse_each(|alloc| {
            SmallVec::<u64, 2, _>::try_with_capacity_in(90, alloc)
                .map(|made| assert!(made.capacity() >= 90))
        }),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

fn cyclic<C: Counter>() {
    let made = Cell::new(0);
    let needed = refuse_each(|alloc| {
        let handle = Counted::<u32, _, C>::try_new_cyclic_in(
            |weak| {
                assert!(weak.upgrade().is_none());
                made.set(made.get() + 1);
                7
            },
            alloc,
        )?;
        assert_eq!((*handle, Counted::strong_count(&handle)), (7, 1));
        assert!(Counted::downgrade(&handle).upgrade().is_some());
        Ok(())
    });
    // What makes the value is called where there is room for it alone.
    assert_eq!((needed, made.get()), (1, 2));
}

#[test]
fn handles_that_know_themselves() {
    cyclic::<Local>();
    cyclic::<Shared>();
}

#[test]
fn a_box_that_finds_no_room_comes_back() {
    let live = Cell::new(0);
    let needed = refuse_each(|alloc| {
        let boxed: Box<[Value]> = (0..9).map(|number| Value::new(&live, number)).collect();
        let address = boxed.as_ptr();
        match FamilyBox::try_from_box_in(boxed, alloc) {
            Ok(moved) => {
                assert!(moved.iter().map(|value| value.1).eq(0..9));
                Ok(())
            }
            Err((boxed, error)) => {
                assert_eq!((boxed.as_ptr(), boxed.len(), live.get()), (address, 9, 9));
                Err(error)
            }
        }
    });
    assert_eq!((needed, live.get()), (1, 0));
}

/// The family is nearly full: what does not fit is refused for the limit, and what does fit is served after it.
#[test]
fn at_the_limit_of_a_family() {
    const LARGE: usize = 100 << 10;
    let live_bytes = || FamilyUse::of(lives::Limited).live_bytes;
    let small = FamilyBox::<[u8], lives::Limited>::try_from_slice(&[7; 100]).unwrap();
    let before = live_bytes();
    let bytes = [7_u8; LARGE];
    let text = "x".repeat(LARGE);
    let grows = || Claims(bytes.into_iter(), (0, None));
    macro_rules! refused {
        ($($call:expr),* $(,)?) => {$(
            let error = $call.map(drop).unwrap_err();
            assert_eq!(error.kind(), AllocErrorKind::Limit, stringify!($call));
            assert_eq!(live_bytes(), before, stringify!($call));
        )*};
    }
    refused!(
        FamilyBox::<[u8], lives::Limited>::try_from_slice(&bytes),
        FamilyBox::<[u8], lives::Limited>::try_from_iter(bytes),
        FamilyBox::<[u8], lives::Limited>::try_from_iter(grows()),
        FamilyBox::<str, lives::Limited>::try_from_str(&text),
        Counted::<[u8], lives::Limited, Local>::try_from_slice(&bytes),
        Counted::<[u8], lives::Limited, Local>::try_from_iter(grows()),
        Counted::<str, lives::Limited, Local>::try_from_str(&text),
        Counted::<[u8; LARGE], lives::Limited, Local>::try_new_cyclic_in(
            |_| unreachable!("there is no room for what it makes"),
            lives::Limited
        ),
        ThinSlice::<u8, lives::Limited>::try_from_slice(&bytes),
        ThinSlice::<u8, lives::Limited>::try_from_iter(bytes),
        ThinSlice::<u8, lives::Limited>::try_from_iter(grows()),
        FamilyVec::<u8, lives::Limited>::try_from_slice(&bytes),
        FamilyVec::<u8, lives::Limited>::try_from_iter(grows()),
        FamilyVec::<u8, lives::Limited>::try_with_capacity(LARGE),
        SmallVec::<u8, 8, lives::Limited>::try_from_iter(bytes),
        String::<lives::Limited>::try_with_capacity(LARGE),
        String::<lives::Limited>::try_from_str(&text),
        FamilyBox::<_, lives::Limited>::try_from_box(Box::new(bytes)).map_err(|(_, error)| error),
    );
    assert!(small.iter().all(|byte| *byte == 7));
    drop(small);
    // As much as there is: it is still served.
    let most = alloc_in::<lives::Limited>(128).unwrap();
    // SAFETY: allocated just now.
    unsafe { free_in::<lives::Limited>(most, 128) };
    assert_eq!(live_bytes(), 0);
}

/// Twice as much is too much near a limit: then a slice of unknown length grows by as much as there is.
#[test]
fn growth_goes_up_to_the_limit() {
    type Kibibyte = [u8; 1024];
    for len in [300, 600, 900] {
        // From the start of its extent on, and with nothing else beside it: so it can grow in place.
        let pieces = || Claims((0..len).map(|number| [number as u8; 1024]), (100, None));
        let made = FamilyBox::<[Kibibyte], lives::Megabyte>::try_from_iter(pieces()).unwrap();
        assert!(made.iter().copied().eq(pieces()));
        drop(made);
        let made = pieces().collect::<FamilyBox<[Kibibyte], lives::Megabyte>>();
        assert_eq!(made.len(), len);
        drop(made);
        let made = FamilyVec::<Kibibyte, lives::Megabyte>::try_from_iter(pieces()).unwrap();
        assert_eq!(made.len(), len);
    }
}
