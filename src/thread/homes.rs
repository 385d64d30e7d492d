//! Where the homes of a family set are: in the user's crate, by way of the macro `__homes!`, which
//! the expansion of `#[alloc_family]` calls. What it declares is this crate's business, as it depends
//! on this crate's features and not on those of the user's.
//!
//! Without the standard library there are no thread-locals, so there are no rows: all threads share
//! homes that point at the empty row for good.

#[cfg(not(feature = "std"))]
use super::RowHome;

/// Declares the homes of a set: thread-local.
// Constant and without a destructor: reaching them is one instruction, and they outlive whatever
// else the thread keeps.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __homes {
    ($name:ident, $count:expr) => {
        $crate::__private::thread_local! {
            static $name: [$crate::__private::RowHome; $count] =
                const { [const { $crate::__private::RowHome::new() }; $count] };
        }
    };
}

/// Declares the homes of a set: the same for all threads.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __homes {
    ($name:ident, $count:expr) => {
        static $name: $crate::__private::StaticHomes<{ $count }> =
            $crate::__private::StaticHomes::new();
    };
}

/// Homes without a row, for all threads.
#[cfg(not(feature = "std"))]
#[derive(Debug)]
pub struct StaticHomes<const N: usize>([RowHome; N]);

// SAFETY: without the standard library nobody makes a row, so no home is ever written.
#[cfg(not(feature = "std"))]
unsafe impl<const N: usize> Sync for StaticHomes<N> {}

#[cfg(not(feature = "std"))]
impl<const N: usize> StaticHomes<N> {
    /// Homes that point at the empty row.
    #[must_use]
    pub const fn new() -> Self {
        Self([const { RowHome::new() }; N])
    }

    /// What a thread-local has under this name.
    #[inline(always)]
    pub fn with<R>(&self, use_homes: impl FnOnce(&[RowHome; N]) -> R) -> R {
        use_homes(&self.0)
    }
}

#[cfg(not(feature = "std"))]
impl<const N: usize> Default for StaticHomes<N> {
    fn default() -> Self {
        Self::new()
    }
}
