//! What a region lends, or hands out, ends before the region is changed or ends itself.

use famalloc::region::{Drops, Tracked};
use famalloc::{Region, RegionBox, RegionPool, alloc_family};

#[alloc_family]
enum Lives {
    Frame,
}
use lives::Frame;

static POOL: RegionPool<Frame> = RegionPool::new();

fn reset_with_a_box(region: &mut Region<Frame>) {
    let seven = region.boxed(7);
    region.reset();
    drop(seven);
}

fn shrink_with_a_reference(region: &mut Region<Frame>) -> &mut i32 {
    let seven = region.alloc(7);
    region.shrink();
    seven
}

fn rewind_without_a_promise(region: &Region<Frame>) {
    region.rewind(region.checkpoint());
}

fn box_out_of_its_region(region: &Region<Frame>) {
    let _seven: RegionBox<'_, i32> = region.nested(|inner| inner.boxed(7));
}

fn region_out_of_its_outer_one(region: &Region<Frame>) {
    let mut out = None;
    region.nested(|inner| out = Some(inner));
}

fn leaked_out_of_its_region() -> &'static mut i32 {
    let region = Region::<Frame>::new();
    RegionBox::leak(region.boxed(7))
}

fn leaked_out_of_the_pool() -> &'static mut i32 {
    POOL.get().alloc(7)
}

fn box_in_what_it_is_in() {
    let region = Region::<Frame, Tracked<Drops>>::new();
    region.alloc(region.boxed(String::new()));
}

fn main() {}
