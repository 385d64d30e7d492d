//! The vectors and boxes of the allocator crates: contents as expected, memory of the family.

use famalloc::collections::{FamilyCollection, SmallVec, api2_02, api2_04};
use famalloc::{In, alloc_family};

use crate::common::{times, usage};

#[alloc_family]
enum Lives {
    Any,
}

type F = lives::Any;

fn collects<C>()
where
    C: FamilyCollection<Item = u32> + AsRef<[u32]>,
{
    let live = || usage::<F>().live_objects;
    assert_eq!(live(), 0);
    let empty = C::new_in_family();
    assert_eq!((empty.as_ref().len(), live()), (0, 0));
    let roomy = C::with_capacity_in_family(100);
    assert_eq!((roomy.as_ref().len(), live()), (0, 1));
    let collected = C::from_iter_in_family(0..times(50_000, 150) as u32);
    assert!(collected.as_ref().iter().copied().eq(0..times(50_000, 150) as u32));
    assert_eq!(live(), 2);
    drop((empty, roomy, collected));
    assert_eq!(live(), 0);
}

#[test]
fn every_collection_is_made_in_its_family() {
    collects::<SmallVec<u32, 4, F>>();
    collects::<api2_02::Vec<u32, F>>();
    collects::<api2_04::Vec<u32, F>>();

    let two: api2_02::Box<[u64; 20], F> = allocator_api2_02::boxed::Box::new_in([2; 20], In::new());
    let four: api2_04::Box<[u64; 20], F> =
        allocator_api2_04::boxed::Box::new_in([4; 20], In::new());
    assert_eq!(usage::<F>().live_objects, 2);
    assert_eq!((two[19], four[19]), (2, 4));
}

#[test]
fn allocators_of_a_family_are_all_the_same() {
    fn assert_handle<T: Copy + Default + Send + Sync + Eq + std::hash::Hash>(_: T) {}
    assert_handle(In::<F>::new());
    assert_eq!(size_of::<api2_04::Vec<u32, F>>(), size_of::<Vec<u32>>());
    assert_eq!(format!("{:?}", In::<F>::new()), "In(Any)");
}
