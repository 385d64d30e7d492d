//! What is packed into the words of the block map comes out as it went in, at every bound.

use super::*;
use crate::class;

#[test]
fn an_extent_is_what_it_was_said_to_be() {
    for kind in [
        ExtentKind::Free,
        ExtentKind::Dirty,
        ExtentKind::Family,
        ExtentKind::Huge,
        ExtentKind::Tail,
        ExtentKind::Tables,
        ExtentKind::Chunk,
    ] {
        // SAFETY: all of it is atomics, for which every bit pattern is valid.
        let desc: ExtentDesc = unsafe { core::mem::zeroed() };
        assert_eq!(desc.kind(), ExtentKind::Free);
        desc.set_kind(kind);
        assert_eq!(desc.kind(), kind);
    }
}

/// A descriptor is a cache line, and what is counted in a byte of it fits.
#[test]
fn descriptors_are_lines_and_their_bytes_are_enough() {
    assert_eq!((size_of::<GranuleDesc>(), size_of::<ExtentDesc>()), (64, 64));
    // The granules of the longest block, and the distance of its last one.
    assert!((2 << 20) / GRANULE <= usize::from(u8::MAX));
    for class in 0..class::COUNT {
        for family in (0..1024).step_by(if cfg!(miri) { 97 } else { 1 }) {
            assert!(class::colour(class, family) <= usize::from(u16::MAX));
        }
        // The last word of a bitmap.
        assert!((2 << 20) / class::slot_size(class) / 64 <= usize::from(u16::MAX) + 1);
    }
}
