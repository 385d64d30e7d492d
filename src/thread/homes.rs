//! Where the homes of a family set are: in the user's crate, by way of the macro `__homes!`, which
//! the expansion of `#[alloc_family]` calls. What it declares is this crate's business, as it depends
//! on this crate's features and not on those of the user's.
//!
//! Without the standard library there are no thread-locals: all threads share homes, which point at the
//! empty row until somebody promises that there is but one thread.

/// Declares the homes of a set: thread-local.
// Constant and without a destructor: reaching them is one instruction, and they outlive whatever
// else the thread keeps.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __homes {
    ($name:ident, $count:expr, $fallback:expr) => {
        $crate::__private::thread_local! {
            static $name: $crate::__private::Homes<{ $count }> =
                const { $crate::__private::Homes::new($fallback) };
        }
    };
}

/// Declares the homes of a set: the same for all threads.
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __homes {
    ($name:ident, $count:expr, $fallback:expr) => {
        static $name: $crate::__private::StaticHomes<{ $count }> =
            $crate::__private::StaticHomes::new($fallback);
    };
}
