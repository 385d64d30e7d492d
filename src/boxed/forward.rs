//! A box of an iterator is an iterator, a box of a future is a future, and so on.
//!
//! `Iterator` has to be left out for values without a size in general: stable Rust cannot say that
//! a slice will never be an iterator, and a boxed slice is one by value (see
//! [`IntoIter`](super::IntoIter)). The trait objects of the standard library's own iterator traits
//! are here; for an object of another trait, iterate over `&mut *boxed`.

use core::future::Future;
use core::hash::Hasher;
use core::iter::FusedIterator;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::FamilyBox;
use crate::raw_alloc::RawAlloc;

macro_rules! iterator {
    ([$($generics:tt)*] $iterator:ty, $item:ty $(, $consuming:item)*) => {
        impl<$($generics)* A: RawAlloc> Iterator for FamilyBox<$iterator, A> {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                (**self).next()
            }

            #[inline]
            fn size_hint(&self) -> (usize, Option<usize>) {
                (**self).size_hint()
            }

            #[inline]
            fn nth(&mut self, n: usize) -> Option<$item> {
                (**self).nth(n)
            }

            $($consuming)*
        }
    };
}

macro_rules! double_ended {
    ([$($generics:tt)*] $iterator:ty, $item:ty) => {
        impl<$($generics)* A: RawAlloc> DoubleEndedIterator for FamilyBox<$iterator, A> {
            #[inline]
            fn next_back(&mut self) -> Option<$item> {
                (**self).next_back()
            }

            #[inline]
            fn nth_back(&mut self, n: usize) -> Option<$item> {
                (**self).nth_back(n)
            }
        }
    };
}

macro_rules! exact_size {
    ([$($generics:tt)*] $iterator:ty, $item:ty) => {
        impl<$($generics)* A: RawAlloc> ExactSizeIterator for FamilyBox<$iterator, A> {
            #[inline]
            fn len(&self) -> usize {
                (**self).len()
            }
        }
    };
}

macro_rules! fused {
    ([$($generics:tt)*] $iterator:ty, $item:ty) => {
        impl<$($generics)* A: RawAlloc> FusedIterator for FamilyBox<$iterator, A> {}
    };
}

iterator!(
    [I: Iterator,] I,
    I::Item,
    #[inline]
    fn last(self) -> Option<I::Item> {
        FamilyBox::into_inner(self).last()
    }
);
double_ended!([I: DoubleEndedIterator,] I, I::Item);
exact_size!([I: ExactSizeIterator,] I, I::Item);
fused!([I: FusedIterator,] I, I::Item);

/// A trait of iterators as an object, alone and with the auto traits.
macro_rules! iterator_objects {
    ($($object:ident: $($trait:ident)*;)*) => {$(
        iterator_objects!(@one [$($trait)*] dyn $object<Item = X> + 'a);
        iterator_objects!(@one [$($trait)*] dyn $object<Item = X> + Send + 'a);
        iterator_objects!(@one [$($trait)*] dyn $object<Item = X> + Send + Sync + 'a);
    )*};
    (@one [$($trait:ident)*] $object:ty) => {
        $($trait!(['a, X,] $object, X);)*
    };
}

iterator_objects! {
    Iterator: iterator;
    DoubleEndedIterator: iterator double_ended;
    ExactSizeIterator: iterator exact_size;
    FusedIterator: iterator fused;
}

impl<T: ?Sized + Future + Unpin, A: RawAlloc> Future for FamilyBox<T, A> {
    type Output = T::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        Pin::new(&mut **self).poll(context)
    }
}

/// The methods that only pass a number on.
macro_rules! hash_numbers {
    ($($write:ident: $number:ty),* $(,)?) => {$(
        #[inline]
        fn $write(&mut self, number: $number) {
            (**self).$write(number);
        }
    )*};
}

impl<H: ?Sized + Hasher, A: RawAlloc> Hasher for FamilyBox<H, A> {
    #[inline]
    fn finish(&self) -> u64 {
        (**self).finish()
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        (**self).write(bytes);
    }

    hash_numbers! {
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_usize: usize, write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64,
        write_i128: i128, write_isize: isize,
    }
}
