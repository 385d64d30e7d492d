//! Magazines: bounded arrays of free slot addresses.
//!
//! A magazine is owned by whoever holds its [`MagazineBox`]: a thread cache, a depot, a remote batch;
//! or by a mailbox, between the one who posted it and the one who empties the mailbox. Moving the
//! box moves the slots with it, so that a slot is in one place at a time (I2).
//!
//! Magazines of large slots hold few, and are short: there are three lengths, of 14, 62 and 126 slots. A
//! thread that has used all sizes once would otherwise keep 160 KiB of room for addresses.

use core::ptr::NonNull;

use crate::class;
use crate::error::AllocError;
use crate::space::Space;
use crate::space::tables::Table;
use crate::sync::{AtomicPtr, AtomicUsize, Ordering};

/// The memory of a magazine, up to its slots.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Magazine {
    /// In a list of magazines: the next.
    next: *mut Self,
    /// In one word with nothing else, which is no address: see `Head::push_another`.
    size: Size,
}

/// How many slots are in a magazine, and how many there is room for.
#[derive(Debug)]
#[repr(C, align(8))]
struct Size {
    len: u8,
    room: u8,
    nothing: [u8; 6],
}

/// All of the memory of a magazine with room for `N`.
#[derive(Debug)]
#[repr(C)]
struct Room<const N: usize> {
    magazine: Magazine,
    slots: [*mut u8; N],
}

const SHORT: usize = 14;
const LONGER: usize = SHORT + 1;
const MEDIUM: usize = 62;

impl Table for Room<{ class::MAX_MAGAZINE }> {
    const KIND: usize = 0;
}

impl Table for Room<MEDIUM> {
    const KIND: usize = 5;
}

impl Table for Room<SHORT> {
    const KIND: usize = 6;
}

const _: () = assert!(size_of::<Size>() == size_of::<*mut u8>() && class::MAX_MAGAZINE < 256);
const _: () = assert!(size_of::<Room<{ class::MAX_MAGAZINE }>>() == 1 << 10);

/// A magazine that is ours. It has no destructor: it is given back with [`Self::discard`].
#[derive(Debug)]
#[must_use = "a magazine that is dropped is lost, and its slots with it"]
pub(crate) struct MagazineBox {
    raw: NonNull<Magazine>,
}

// SAFETY: the box is the only access to its magazine, and the slots in it belong to nobody else.
unsafe impl Send for MagazineBox {}

impl MagazineBox {
    /// An empty magazine for slots of a class.
    pub(crate) fn new(space: &Space, class: usize) -> Result<Self, AllocError> {
        let (raw, room): (NonNull<Magazine>, usize) = match class::magazine_capacity(class) {
            0..=SHORT => (space.alloc_table::<Room<SHORT>>()?.cast(), SHORT),
            LONGER..=MEDIUM => (space.alloc_table::<Room<MEDIUM>>()?.cast(), MEDIUM),
            _ => {
                const ALL: usize = class::MAX_MAGAZINE;
                (space.alloc_table::<Room<ALL>>()?.cast(), ALL)
            }
        };
        let size = Size { len: 0, room: room as u8, nothing: [0; 6] };
        // SAFETY: room for a magazine, ours alone. Of the slots the first `len` are in use.
        unsafe { raw.write(Magazine { next: core::ptr::null_mut(), size }) };
        Ok(Self { raw })
    }

    /// Gives the magazine itself back; it must be empty.
    pub(crate) fn discard(self, space: &Space) {
        debug_assert!(self.is_empty());
        match self.room() {
            // SAFETY: taken from this space by `new` as of this length, and the box was the only access to
            // it.
            SHORT => unsafe { space.free_table(self.raw.cast::<Room<SHORT>>()) },
            // SAFETY: as above.
            MEDIUM => unsafe { space.free_table(self.raw.cast::<Room<MEDIUM>>()) },
            // SAFETY: as above.
            _ => unsafe { space.free_table(self.raw.cast::<Room<{ class::MAX_MAGAZINE }>>()) },
        }
    }

    fn slots_ptr(&self) -> *mut *mut u8 {
        // SAFETY: the slots lie behind the header, in the same table.
        unsafe { self.raw.as_ptr().add(1).cast() }
    }

    /// How many slots it can hold, at least.
    fn room(&self) -> usize {
        // SAFETY: written by `new`.
        unsafe { (*self.raw.as_ptr()).size.room }.into()
    }

    pub(crate) fn len(&self) -> usize {
        // SAFETY: written by `new`.
        unsafe { (*self.raw.as_ptr()).size.len }.into()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says how many slots there are now, from the first on.
    ///
    /// # Safety
    ///
    /// That many have been written, and there is room for them.
    pub(crate) unsafe fn set_len(&mut self, len: usize) {
        debug_assert!(len <= self.room());
        // SAFETY: the magazine is valid and ours.
        unsafe { (*self.raw.as_ptr()).size.len = len as u8 };
    }

    /// The addresses in it.
    pub(crate) fn slots(&self) -> &[*mut u8] {
        // SAFETY: the first `len` slots are written.
        unsafe { core::slice::from_raw_parts(self.slots_ptr(), self.len()) }
    }

    /// The addresses in it, to be written.
    pub(crate) fn all(&mut self) -> &mut [*mut u8] {
        let len = self.len();
        self.buffer(len)
    }

    /// Room for `count` addresses from the first on, whatever is in it.
    pub(crate) fn buffer(&mut self, count: usize) -> &mut [*mut u8] {
        assert!(count <= self.room());
        // SAFETY: within the array; a table's memory was committed as zero and may have been written
        // since, and every bit pattern is an address.
        unsafe { core::slice::from_raw_parts_mut(self.slots_ptr(), count) }
    }

    /// Adds an address; there must be room.
    pub(crate) fn push(&mut self, slot: *mut u8) {
        let len = self.len();
        self.buffer(len + 1)[len] = slot;
        // SAFETY: written just now; `buffer` checked the bound.
        unsafe { self.set_len(len + 1) };
    }

    /// Takes the last address.
    pub(crate) fn pop(&mut self) -> Option<*mut u8> {
        let last = self.slots().last().copied()?;
        let len = self.len() - 1;
        // SAFETY: fewer than before.
        unsafe { self.set_len(len) };
        Some(last)
    }

    /// Drops some of the addresses; returns how many.
    #[cold]
    pub(super) fn drop_all_that(&mut self, goes: impl Fn(*mut u8) -> bool) -> usize {
        let slots = self.all();
        let (before, mut left) = (slots.len(), 0);
        for index in 0..before {
            let slot = slots[index];
            if !goes(slot) {
                slots[left] = slot;
                left += 1;
            }
        }
        // SAFETY: that many were moved to the front.
        unsafe { self.set_len(left) };
        before - left
    }

    /// Drops all addresses; returns how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        let len = self.len();
        // SAFETY: none need be written.
        unsafe { self.set_len(0) };
        len
    }

    /// Gives up the box for the address of the first slot, by which [`Self::from_bottom`] finds
    /// the magazine again.
    pub(crate) fn into_bottom(self) -> *mut *mut u8 {
        self.slots_ptr()
    }

    /// The box of the magazine whose first slot is at `bottom`, holding `len` slots.
    ///
    /// # Safety
    ///
    /// `bottom` is from [`Self::into_bottom`], whose box is not in use, and `len` slots were
    /// written.
    pub(crate) unsafe fn from_bottom(bottom: *mut *mut u8, len: usize) -> Self {
        // SAFETY: the slots lie behind their magazine (contract).
        let raw = unsafe { bottom.byte_sub(size_of::<Magazine>()) };
        // SAFETY: the address of a magazine is not null.
        let mut magazine = Self { raw: unsafe { NonNull::new_unchecked(raw.cast()) } };
        // SAFETY: passed on.
        unsafe { magazine.set_len(len) };
        magazine
    }
}

/// A list of magazines, the last in first out.
#[derive(Debug)]
pub(crate) struct MagazineList {
    head: *mut Magazine,
    len: usize,
}

// SAFETY: the list owns its magazines, as a box does.
unsafe impl Send for MagazineList {}

impl MagazineList {
    pub(crate) const fn new() -> Self {
        Self { head: core::ptr::null_mut(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_null()
    }

    pub(crate) fn push(&mut self, magazine: MagazineBox) {
        // SAFETY: the magazine is valid and ours.
        unsafe { (*magazine.raw.as_ptr()).next = self.head };
        self.head = magazine.raw.as_ptr();
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<MagazineBox> {
        let raw = NonNull::new(self.head)?;
        // SAFETY: magazines in the list are valid and ours.
        self.head = unsafe { (*raw.as_ptr()).next };
        // A list from a mailbox does not know how long it is.
        self.len = self.len.saturating_sub(1);
        Some(MagazineBox { raw })
    }
}

/// A stack of magazines that anyone may push on and that is only ever emptied whole, so that the
/// address of its head cannot come back while somebody looks at it (no ABA).
#[derive(Debug)]
pub(crate) struct Mailbox {
    head: AtomicPtr<Magazine>,
    magazines: AtomicUsize,
    slots: AtomicUsize,
}

impl Mailbox {
    pub(crate) const fn new() -> Self {
        Self {
            head: AtomicPtr::new(core::ptr::null_mut()),
            magazines: AtomicUsize::new(0),
            slots: AtomicUsize::new(0),
        }
    }

    /// How many magazines and slots are in it, exact while nobody posts or empties.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.magazines.load(Ordering::Relaxed), self.slots.load(Ordering::Relaxed))
    }

    /// Leaves a magazine; returns how many there are now, about.
    pub(crate) fn post(&self, magazine: MagazineBox) -> usize {
        // Counted before it is there: whoever empties the mailbox counts it off at once, and no count
        // may go below zero.
        self.slots.fetch_add(magazine.len(), Ordering::Relaxed);
        let before = self.magazines.fetch_add(1, Ordering::Relaxed);
        let raw = magazine.raw.as_ptr();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: ours until it is in the mailbox.
            unsafe { (*raw).next = head };
            // With release: whoever takes the list reads the slots and the link that were written
            // before.
            match self.head.compare_exchange_weak(head, raw, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return before + 1,
                Err(newer) => head = newer,
            }
        }
    }

    /// Takes everything. The list's length is not known; its end is.
    pub(crate) fn empty(&self) -> MagazineList {
        // All at once: who took one alone would read the link of a magazine that another may have
        // taken, used, and posted again.
        let head = self.head.swap(core::ptr::null_mut(), Ordering::Acquire);
        MagazineList { head, len: 0 }
    }

    /// Counts a magazine that came out of [`Self::empty`] as gone.
    pub(crate) fn count_taken(&self, magazine: &MagazineBox) {
        self.magazines.fetch_sub(1, Ordering::Relaxed);
        self.slots.fetch_sub(magazine.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }
}
