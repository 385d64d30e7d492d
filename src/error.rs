//! The errors, and their wording.

use core::alloc::Layout;
use core::fmt;

/// Why an allocation failed.
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
    /// The allocation would exceed the byte limit of the family or of the region.
    Limit,
    /// The page source has no address space left.
    AddressSpace,
    /// The page source refused to commit memory.
    Commit,
}

impl AllocError {
    pub(crate) const fn new(kind: AllocErrorKind) -> Self {
        Self { kind }
    }

    /// The reason for the failure.
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
            AllocErrorKind::Limit => "the byte limit of the family or region is reached",
            AllocErrorKind::AddressSpace => "the page source has no address space left",
            AllocErrorKind::Commit => "the page source refused to commit memory",
        })
    }
}

impl core::error::Error for AllocError {}

/// What infallible calls do when no memory is available: they call the standard library's handler,
/// which a program can set.
#[cfg(feature = "std")]
pub(crate) use std::alloc::handle_alloc_error;

/// What infallible calls do when no memory is available: they panic.
#[cfg(not(feature = "std"))]
#[cold]
pub(crate) fn handle_alloc_error(layout: Layout) -> ! {
    panic!("memory allocation of {} bytes failed", layout.size())
}

/// Why a pointer could not be freed. Nothing was changed.
///
/// [`raw::try_free`](crate::raw::try_free) returns it. Where the allocator finds such a pointer in a free that
/// cannot return an error, it aborts the process with a message in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FreeError {
    /// The address belongs to no family set: another allocator owns it, or it is on a stack.
    Foreign,
    /// The address is within famalloc's address space, but nothing is allocated there: it was freed, or never
    /// allocated. Where the slot is known the error is [`AlreadyFree`](Self::AlreadyFree).
    NotAllocated,
    /// The address belongs to another family.
    WrongFamily {
        /// The family it belongs to.
        owner: &'static str,
    },
    /// The layout passed is not that of the allocation.
    WrongLayout {
        /// The size of the slot in bytes.
        slot_bytes: usize,
        /// The layout that was passed.
        layout: Layout,
    },
    /// The address is inside a slot, not at its start.
    Interior {
        /// The distance of the address from the start of its slot in bytes.
        offset: usize,
    },
    /// The slot is already free.
    AlreadyFree,
    /// The address belongs to a region of the family. The region frees its objects.
    InRegion,
}

impl fmt::Display for FreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str(
                "foreign pointer: famalloc did not allocate it; free it with the allocator that did",
            ),
            Self::NotAllocated => f.write_str(
                "nothing is allocated at this address: double free, or a pointer that was never allocated",
            ),
            Self::WrongFamily { owner } => {
                write!(f, "wrong family: the pointer belongs to family {owner}; free it in that family")
            }
            Self::WrongLayout { slot_bytes, layout } => write!(
                f,
                "wrong layout: the allocation occupies {slot_bytes} bytes, which {} bytes aligned to {} do not \
                 match; free it with the layout that it was allocated with",
                layout.size(),
                layout.align()
            ),
            Self::Interior { offset } => write!(
                f,
                "interior pointer: it points {offset} bytes past the start of its allocation; free the start"
            ),
            Self::InRegion => {
                f.write_str("the pointer belongs to a region; free it through the region, or drop the region")
            }
            Self::AlreadyFree => f.write_str("double free: the slot is already free"),
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
