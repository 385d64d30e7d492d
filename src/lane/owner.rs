//! Which lane a block is of. A descriptor names the lane by its address alone, since lanes are of a layer above; here
//! it becomes a lane again, and nowhere else.

use core::ptr;

use crate::block::Block;
use crate::space::map::GranuleDesc;

use super::Lane;

impl Lane {
    /// The lane of a block; `None` where it is no lane's any more.
    #[inline]
    pub(crate) fn of(block: Block<'_>) -> Option<&'static Self> {
        // SAFETY: null, or the address of a lane: `Lane::add_block` writes nothing else there. A lane lives as
        // long as the process, so it makes no difference that the block may be another's by now.
        let lane = unsafe { block.lane().cast::<Self>().as_ref() };
        debug_assert!(lane.is_none_or(|lane| block.is_in(lane.space())), "a lane of another space");
        lane
    }

    /// Whether this is the lane of a block.
    #[inline(always)]
    pub(super) fn is_lane_of(&self, block: Block<'_>) -> bool {
        ptr::eq(block.lane(), self.address())
    }

    /// Whether a block of this lane has this descriptor. Of any descriptor this may be asked.
    #[inline(always)]
    pub(super) fn owns(&self, desc: &GranuleDesc) -> bool {
        ptr::eq(desc.lane(), self.address())
    }

    /// What the descriptors of this lane's blocks name it by.
    #[inline(always)]
    pub(super) fn address(&self) -> *mut () {
        ptr::from_ref(self).cast_mut().cast()
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::block;
    use crate::space::family_heap::FamilyHeap;
    use crate::space::{SYSTEM_SPACE, SpaceCell};
    use crate::spec::FamilySpec;

    const CLASS: usize = 6;

    /// Keeps a value for ever, in sight of who looks for leaks: descriptors name it.
    fn keep<T: Sync + 'static>(value: T) -> &'static T {
        static ALL: Mutex<Vec<&(dyn Sync + 'static)>> = Mutex::new(Vec::new());
        let kept = Box::leak(Box::new(value));
        ALL.lock().unwrap().push(kept);
        kept
    }

    /// A family heap in a space.
    fn heap(cell: &'static SpaceCell) -> &'static FamilyHeap {
        static SPEC: FamilySpec = FamilySpec::new("A");
        let space = cell.get().unwrap();
        keep(FamilyHeap::new(space, "owners", &SPEC, 0, 1 << 20))
    }

    /// A block of a family heap that names a lane, whoever's that is.
    fn block_of(heap: &'static FamilyHeap, lane: &Lane) -> Block<'static> {
        let taken = heap.alloc_block(1, block::map_of(CLASS), |taken| {
            let tag = heap.tag.with_class(CLASS);
            Block::init(heap.space, taken.first, 1, tag, 0, lane.address(), true)
        });
        taken.unwrap()
    }

    fn give(heap: &FamilyHeap, block: Block<'_>) {
        block.disown();
        // SAFETY: taken above, without a slot that was ever taken.
        unsafe { heap.free_block(block.granule, 1) };
    }

    #[test]
    fn a_block_leads_to_its_lane_until_it_is_disowned() {
        let heap = heap(&SYSTEM_SPACE);
        let [own, other] = keep([Lane::new(heap, CLASS), Lane::new(heap, CLASS)]);
        let block = block_of(heap, own);
        let desc = heap.space.granule(block.granule);
        assert!(Lane::of(block).is_some_and(|lane| ptr::eq(lane, own)));
        assert!(own.is_lane_of(block) && own.owns(desc));
        assert!(!other.is_lane_of(block) && !other.owns(desc));
        assert!(Block::find(heap.space, block.granule).is_some());
        block.disown();
        assert!(Lane::of(block).is_none());
        assert!(!own.is_lane_of(block) && !own.owns(desc));
        give(heap, block);
        assert!(Block::find(heap.space, block.granule).is_none());
        assert!(!own.owns(desc));
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_lane_of_another_space_is_refused() {
        static ELSEWHERE: SpaceCell = SpaceCell::new(&crate::os::SYSTEM);
        let (here, elsewhere) = (heap(&SYSTEM_SPACE), heap(&ELSEWHERE));
        let block = block_of(here, keep(Lane::new(elsewhere, CLASS)));
        let look = std::panic::AssertUnwindSafe(|| Lane::of(block));
        let refused = std::panic::catch_unwind(look).is_err();
        give(here, block);
        assert!(refused);
    }
}
