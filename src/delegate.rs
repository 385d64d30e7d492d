//! Handles compare, hash, print and lend what they lead to: every handle of this crate by the same macros.

/// Implements traits for a handle by those of its target.
///
/// `delegate_to_target! { [generics] Handle => Target, where [Bounded]; Trait Trait .. }`: an implementation of
/// a trait that not every target has asks it of `Bounded` (the target, its elements, or nothing).
macro_rules! delegate_to_target {
    ($generics:tt $handle:ty => $target:ty, where $bounded:tt; $($what:ident)*) => {
        $($crate::delegate::delegate_to_target!(@$what $generics $handle, $target, $bounded);)*
    };
    // With its own `ne` and so on, since those of the target are the ones to ask.
    (@PartialEq [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> PartialEq for $handle
        where
            $($bounded: PartialEq,)?
        {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                **self == **other
            }

            #[inline]
            #[expect(clippy::partialeq_ne_impl, reason = "the target's own `ne` is the one to ask")]
            fn ne(&self, other: &Self) -> bool {
                **self != **other
            }
        }
    };
    (@Eq [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> Eq for $handle
        where
            $($bounded: Eq,)?
        {
        }
    };
    (@PartialOrd [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        #[allow(
            clippy::non_canonical_partial_ord_impl,
            reason = "the target's own is the one to ask; some targets have no other order"
        )]
        impl<$($generics)*> PartialOrd for $handle
        where
            $($bounded: PartialOrd,)?
        {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                (**self).partial_cmp(&**other)
            }

            #[inline]
            fn lt(&self, other: &Self) -> bool {
                **self < **other
            }

            #[inline]
            fn le(&self, other: &Self) -> bool {
                **self <= **other
            }

            #[inline]
            fn gt(&self, other: &Self) -> bool {
                **self > **other
            }

            #[inline]
            fn ge(&self, other: &Self) -> bool {
                **self >= **other
            }
        }
    };
    (@Ord [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> Ord for $handle
        where
            $($bounded: Ord,)?
        {
            #[inline]
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                (**self).cmp(&**other)
            }
        }
    };
    (@Hash [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> core::hash::Hash for $handle
        where
            $($bounded: core::hash::Hash,)?
        {
            #[inline]
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }
    };
    (@Debug [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> core::fmt::Debug for $handle
        where
            $($bounded: core::fmt::Debug,)?
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(&**self, f)
            }
        }
    };
    (@Display [$($generics:tt)*] $handle:ty, $target:ty, [$($bounded:ty)?]) => {
        impl<$($generics)*> core::fmt::Display for $handle
        where
            $($bounded: core::fmt::Display,)?
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&**self, f)
            }
        }
    };
    // The address of the target.
    (@Pointer [$($generics:tt)*] $handle:ty, $target:ty, $bounded:tt) => {
        impl<$($generics)*> core::fmt::Pointer for $handle {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Pointer::fmt(&core::ptr::from_ref::<$target>(self), f)
            }
        }
    };
    (@AsRef [$($generics:tt)*] $handle:ty, $target:ty, $bounded:tt) => {
        impl<$($generics)*> AsRef<$target> for $handle {
            #[inline]
            fn as_ref(&self) -> &$target {
                self
            }
        }
    };
    (@AsMut [$($generics:tt)*] $handle:ty, $target:ty, $bounded:tt) => {
        impl<$($generics)*> AsMut<$target> for $handle {
            #[inline]
            fn as_mut(&mut self) -> &mut $target {
                self
            }
        }
    };
    (@Borrow [$($generics:tt)*] $handle:ty, $target:ty, $bounded:tt) => {
        impl<$($generics)*> core::borrow::Borrow<$target> for $handle {
            #[inline]
            fn borrow(&self) -> &$target {
                self
            }
        }
    };
    (@BorrowMut [$($generics:tt)*] $handle:ty, $target:ty, $bounded:tt) => {
        impl<$($generics)*> core::borrow::BorrowMut<$target> for $handle {
            #[inline]
            fn borrow_mut(&mut self) -> &mut $target {
                self
            }
        }
    };
}

/// Equality of slices and text with other types that are such: `[generics] One, one_way, Other;`, or
/// `both_ways`.
macro_rules! equal_as_slices {
    ($($generics:tt $one:ty, $both:tt, $other:ty;)*) => {
        $($crate::delegate::equal_as_slices!(@$both $generics $one, $other);)*
    };
    (@one_way [$($generics:tt)*] $one:ty, $other:ty) => {
        impl<$($generics)*> PartialEq<$other> for $one {
            #[inline]
            fn eq(&self, other: &$other) -> bool {
                self[..] == other[..]
            }
        }
    };
    (@both_ways $generics:tt $one:ty, $other:ty) => {
        $crate::delegate::equal_as_slices!(@one_way $generics $one, $other);
        $crate::delegate::equal_as_slices!(@one_way $generics $other, $one);
    };
}

pub(crate) use delegate_to_target;
pub(crate) use equal_as_slices;
