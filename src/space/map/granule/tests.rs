//! A descriptor says what it was made, and a view of another kind is refused.

use super::*;

/// A granule of which nothing was ever said. All of it is atomics, for which zero is a value.
fn granule() -> GranuleDesc {
    // SAFETY: every bit pattern of every field is valid.
    unsafe { core::mem::zeroed() }
}

const KINDS: [GranuleKind; 5] = [
    GranuleKind::Free,
    GranuleKind::Block,
    GranuleKind::Tail,
    GranuleKind::Large,
    GranuleKind::Chunk,
];

#[test]
fn a_granules_kind_and_its_stale_bitmaps_leave_each_other_alone() {
    for stale in [[false, false], [false, true], [true, false], [true, true]] {
        for before in KINDS {
            for after in KINDS {
                let desc = granule();
                desc.set_kind(before);
                desc.set_stale(Stale::Narrow, stale[0]);
                desc.set_stale(Stale::Wide, stale[1]);
                assert_eq!(desc.kind(), before);
                desc.set_kind(after);
                assert_eq!(desc.kind(), after);
                assert_eq!([desc.is_stale(Stale::Narrow), desc.is_stale(Stale::Wide)], stale);
                desc.set_stale(Stale::Wide, false);
                assert_eq!(
                    [desc.is_stale(Stale::Narrow), desc.is_stale(Stale::Wide)],
                    [stale[0], false]
                );
                assert_eq!(desc.kind(), after);
            }
        }
    }
}

/// One of each kind.
fn of_kind(kind: GranuleKind) -> GranuleDesc {
    let desc = granule();
    desc.set_kind(kind);
    desc
}

#[test]
fn a_view_of_another_kind_is_refused() {
    for kind in KINDS {
        for stale in [false, true] {
            let desc = of_kind(kind);
            desc.set_stale(Stale::Narrow, stale);
            assert_eq!(desc.as_block().is_some(), kind == GranuleKind::Block, "{kind:?}");
            assert_eq!(desc.as_large().is_some(), kind == GranuleKind::Large, "{kind:?}");
            assert_eq!(desc.as_chunk().is_some(), kind == GranuleKind::Chunk, "{kind:?}");
            let seen = match desc.view() {
                View::Block(_) => GranuleKind::Block,
                View::Large(_) => GranuleKind::Large,
                View::Chunk(_) => GranuleKind::Chunk,
                View::Tail => GranuleKind::Tail,
                View::Free => GranuleKind::Free,
            };
            assert_eq!(seen, kind);
        }
    }
}

/// Who says that it knows the kind is held to it where there are debug assertions.
#[cfg(debug_assertions)]
#[test]
fn a_view_that_was_thought_to_be_right_is_refused_as_well() {
    let refuses = |kind: GranuleKind, look: fn(&GranuleDesc)| {
        let look = || look(&of_kind(kind));
        std::panic::catch_unwind(look).is_err()
    };
    for kind in KINDS {
        let wrong = |right| kind != right;
        let block = refuses(kind, |desc| _ = desc.block());
        assert_eq!(block, wrong(GranuleKind::Block), "{kind:?}");
        let large = refuses(kind, |desc| _ = desc.large());
        assert_eq!(large, wrong(GranuleKind::Large), "{kind:?}");
        let chunk = refuses(kind, |desc| _ = desc.chunk());
        assert_eq!(chunk, wrong(GranuleKind::Chunk), "{kind:?}");
    }
}

/// Nothing that a block writes changes another thing that it has, whatever the granule was before; and its lane is
/// gone once it is disowned.
#[test]
fn a_block_says_what_it_was_made() {
    let desc = of_kind(GranuleKind::Chunk);
    desc.make_tail(31);
    assert_eq!((desc.kind(), desc.back()), (GranuleKind::Tail, 31));
    let (mut lane, mut bitmap) = (0u8, AtomicU64::new(0));
    let new = NewBlock {
        class: 82,
        granules: 32,
        colour: 40_000,
        capacity: 250_000,
        lane: (&raw mut lane).cast(),
        bitmap: NonNull::from(&mut bitmap),
        populated: 32,
    };
    let block = desc.make_block(&new);
    assert_eq!((desc.kind(), desc.back()), (GranuleKind::Block, 0));
    block.set_carved(200_000);
    block.set_countdown(100_000);
    block.set_first_word(3_000);
    block.set_full(true);
    block.set_trim_mark(0xC000);
    block.set_populated(7);
    assert_eq!((block.class(), block.granules(), block.colour()), (82, 32, 40_000));
    assert_eq!((block.capacity(), block.carved(), block.countdown()), (250_000, 200_000, 100_000));
    assert_eq!((block.first_word(), block.populated()), (3_000, 7));
    assert_eq!((block.is_full(), block.trim_mark()), (true, 0xC000));
    assert_eq!((block.lane(), block.bitmap()), (new.lane, new.bitmap.as_ptr()));
    assert_eq!(desc.lane(), new.lane);
    block.disown();
    assert!(desc.lane().is_null());
}

#[test]
fn a_chunk_says_what_its_region_wrote() {
    let desc = of_kind(GranuleKind::Chunk);
    let chunk = desc.chunk();
    chunk.set_number(70_000);
    chunk.set_used(80_000);
    chunk.set_freed(90_000);
    chunk.set_populated(60_000);
    chunk.set_valid(50_000);
    chunk.set_dedicated(true);
    assert_eq!((chunk.number(), chunk.used(), chunk.freed()), (70_000, 80_000, 90_000));
    assert_eq!((chunk.populated(), chunk.valid()), (60_000, 50_000));
    assert!(chunk.is_dedicated() && chunk.heap().is_none());
}
