//! What can go wrong, and the words for it.

use core::alloc::Layout;
use core::fmt;

/// Why memory could not be had.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, alloc_in, AllocErrorKind};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
/// }
///
/// let error = alloc_in::<lives::Frame>(usize::MAX).unwrap_err();
/// assert_eq!(error.kind(), AllocErrorKind::TooLarge);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AllocError {
    kind: AllocErrorKind,
}

/// The kinds of [`AllocError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AllocErrorKind {
    /// The size, rounded up to the alignment, does not fit `isize`.
    TooLarge,
    /// The limit of the family, or that of the region, would be exceeded.
    Limit,
    /// The page source has no address space left.
    AddressSpace,
    /// The page source declined to commit memory.
    Commit,
}

impl AllocError {
    pub(crate) const fn new(kind: AllocErrorKind) -> Self {
        Self { kind }
    }

    /// What kept the memory from being had.
    #[must_use]
    pub const fn kind(self) -> AllocErrorKind {
        self.kind
    }

    /// All kinds.
    pub(crate) const KINDS: [AllocErrorKind; 4] = [
        AllocErrorKind::TooLarge,
        AllocErrorKind::Limit,
        AllocErrorKind::AddressSpace,
        AllocErrorKind::Commit,
    ];
}

impl fmt::Debug for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllocError({:?})", self.kind)
    }
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            AllocErrorKind::TooLarge => "the requested size is too large for any allocation",
            AllocErrorKind::Limit => "the limit is reached",
            AllocErrorKind::AddressSpace => "the page source has no address space left",
            AllocErrorKind::Commit => "the page source declined to commit memory",
        })
    }
}

impl core::error::Error for AllocError {}

/// What the infallible calls do where there is no memory: the standard library's answer, which a
/// program can choose.
#[cfg(feature = "std")]
pub(crate) use std::alloc::handle_alloc_error;

/// What the infallible calls do where there is no memory: the panic handler decides.
#[cfg(not(feature = "std"))]
#[cold]
pub(crate) fn handle_alloc_error(layout: Layout) -> ! {
    panic!("memory allocation of {} bytes failed", layout.size())
}

/// Why a pointer could not be freed; nothing was changed.
///
/// Returned by [`try_free_in`](crate::try_free_in), and the wording of the message with which the
/// process is aborted when the allocator comes upon such a pointer later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FreeError {
    /// The address lies in no block of any family set.
    Foreign,
    /// The address lies among famalloc's, but there is nothing: it was freed already, or never handed
    /// out. Where a slot is known, [`AlreadyFree`](Self::AlreadyFree) says more.
    NotAllocated,
    /// The address belongs to another family.
    WrongFamily {
        /// The family it belongs to.
        owner: &'static str,
    },
    /// The allocation there has another layout than the one named.
    WrongLayout {
        /// The size of the slot in bytes.
        slot_bytes: usize,
        /// The layout with which it was to be freed.
        layout: Layout,
    },
    /// The address lies inside a slot, not at its start.
    Interior {
        /// How many bytes after the start of its slot the address lies.
        offset: usize,
    },
    /// The slot is free already.
    AlreadyFree,
    /// The address belongs to a region of the family, which frees what lies in it.
    InRegion,
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the pointer was not allocated here"),
            Self::NotAllocated => f.write_str(
                "nothing is allocated there: double free, or the pointer was never handed out",
            ),
            Self::WrongFamily { owner } => write!(f, "the pointer belongs to family {owner}"),
            Self::WrongLayout { slot_bytes, layout } => write!(
                f,
                "the pointer's slot has {slot_bytes} bytes, not what a layout of {} bytes aligned to {} needs",
                layout.size(),
                layout.align()
            ),
            Self::Interior { offset } => {
                write!(f, "the pointer lies {offset} bytes inside its slot, not at its start")
            }
            Self::InRegion => f.write_str("the pointer belongs to a region"),
            Self::AlreadyFree => f.write_str("double free: the slot is free already"),
        }
    }
}

impl core::error::Error for FreeError {}

/// A message where nothing may be allocated: what does not fit is dropped, so writing to it cannot fail.
#[cfg(feature = "std")]
pub(crate) struct Message {
    text: [u8; 512],
    len: usize,
}

#[cfg(feature = "std")]
impl Message {
    pub(crate) const fn new() -> Self {
        Self { text: [0; 512], len: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

#[cfg(feature = "std")]
impl fmt::Write for Message {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = &mut self.text[self.len..];
        let len = part.len().min(room.len());
        room[..len].copy_from_slice(&part.as_bytes()[..len]);
        self.len += len;
        Ok(())
    }
}
