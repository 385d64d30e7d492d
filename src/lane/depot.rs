//! The depot: full magazines parked in a lane, the latest handed out first, the oldest flushed
//! when there are too many.

use crate::class::MAX_DEPOT;

use super::magazine::MagazineBox;

/// A bounded double-ended queue of magazines.
#[derive(Debug)]
pub(crate) struct Depot {
    ring: [Option<MagazineBox>; MAX_DEPOT],
    /// The place of the oldest.
    oldest: usize,
    len: usize,
    /// The slots in all of them.
    slots: usize,
}

impl Depot {
    pub(crate) const fn new() -> Self {
        Self { ring: [const { None }; MAX_DEPOT], oldest: 0, len: 0, slots: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many slots are parked.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    /// Parks a magazine as the latest; there must be room.
    pub(crate) fn push_latest(&mut self, magazine: MagazineBox) {
        debug_assert!(self.len < MAX_DEPOT);
        self.slots += magazine.len();
        self.ring[(self.oldest + self.len) % MAX_DEPOT] = Some(magazine);
        self.len += 1;
    }

    /// Parks a magazine as the oldest; there must be room.
    pub(crate) fn push_oldest(&mut self, magazine: MagazineBox) {
        debug_assert!(self.len < MAX_DEPOT);
        self.slots += magazine.len();
        self.oldest = (self.oldest + MAX_DEPOT - 1) % MAX_DEPOT;
        self.ring[self.oldest] = Some(magazine);
        self.len += 1;
    }

    pub(crate) fn pop_latest(&mut self) -> Option<MagazineBox> {
        self.len = self.len.checked_sub(1)?;
        self.remove_at(self.ring_place(self.len))
    }

    pub(crate) fn pop_oldest(&mut self) -> Option<MagazineBox> {
        self.len = self.len.checked_sub(1)?;
        // From the front of a ring: nothing else moves, whichever end is asked.
        let place = self.oldest;
        self.oldest = (place + 1) % MAX_DEPOT;
        self.remove_at(place)
    }

    fn ring_place(&self, position: usize) -> usize {
        (self.oldest + position) % MAX_DEPOT
    }

    fn remove_at(&mut self, place: usize) -> Option<MagazineBox> {
        let magazine = self.ring[place].take()?;
        self.slots -= magazine.len();
        Some(magazine)
    }

    /// The parked magazines, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &MagazineBox> {
        self.ring.iter().flatten()
    }
}
