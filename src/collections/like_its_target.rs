//! What every collection with one obvious view (a slice, text) says of it, in one place.

/// Dereferencing, borrowing, comparison, hashing and formatting of a collection: those of its target.
///
/// After the generics come the collection, the type parameter (if any) that must have a trait if the target is to
/// have it, and the methods that return the target.
macro_rules! like_its_target {
    ([$($generics:tt)*] $this:ty, $([$element:ident])? => $target:ty: $get:ident, $get_mut:ident) => {
        impl<$($generics)*> core::ops::Deref for $this {
            type Target = $target;

            #[inline]
            fn deref(&self) -> &$target {
                self.$get()
            }
        }

        impl<$($generics)*> core::ops::DerefMut for $this {
            #[inline]
            fn deref_mut(&mut self) -> &mut $target {
                self.$get_mut()
            }
        }

        impl<$($generics)*> AsRef<$target> for $this {
            #[inline]
            fn as_ref(&self) -> &$target {
                self
            }
        }

        impl<$($generics)*> AsMut<$target> for $this {
            #[inline]
            fn as_mut(&mut self) -> &mut $target {
                self
            }
        }

        impl<$($generics)*> core::borrow::Borrow<$target> for $this {
            #[inline]
            fn borrow(&self) -> &$target {
                self
            }
        }

        impl<$($generics)*> core::borrow::BorrowMut<$target> for $this {
            #[inline]
            fn borrow_mut(&mut self) -> &mut $target {
                self
            }
        }

        impl<$($generics)*> Eq for $this where $($element: Eq)? {}

        #[allow(
            clippy::non_canonical_partial_ord_impl,
            reason = "one form for targets that are `Ord`, and for those that are not"
        )]
        impl<$($generics)*> PartialOrd for $this where $($element: PartialOrd)? {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                (**self).partial_cmp(&**other)
            }
        }

        impl<$($generics)*> Ord for $this where $($element: Ord)? {
            #[inline]
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                (**self).cmp(&**other)
            }
        }

        impl<$($generics)*> core::hash::Hash for $this where $($element: core::hash::Hash)? {
            #[inline]
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }

        impl<$($generics)*> core::fmt::Debug for $this where $($element: core::fmt::Debug)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

pub(super) use like_its_target;
