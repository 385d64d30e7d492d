//! A future that is polled in a family's scope.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::Family;

/// A future that is polled, and dropped, in a scope of family `F`.
///
/// Made by [`Family::scope_future`]. The scope lasts as long as each poll, on whichever thread.
/// Allocations of other tasks between polls are not in it.
///
/// # Examples
///
/// See [`Family::scope_future`].
pub struct Scoped<F: Family, T> {
    future: ManuallyDrop<T>,
    family: PhantomData<F>,
}

impl<F: Family, T> Scoped<F, T> {
    pub(super) fn new(future: T) -> Self {
        Self { future: ManuallyDrop::new(future), family: PhantomData }
    }
}

impl<F: Family, T: Future> Future for Scoped<F, T> {
    type Output = T::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        // SAFETY: the field is pinned with the whole: nothing moves it out, and `drop` drops it where
        // it is.
        let future = unsafe { self.map_unchecked_mut(|scoped| &mut *scoped.future) };
        let _scope = F::enter();
        future.poll(context)
    }
}

impl<F: Family, T> Drop for Scoped<F, T> {
    fn drop(&mut self) {
        let _scope = F::enter();
        // SAFETY: dropped once, here, and not used again.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

impl<F: Family, T: fmt::Debug> fmt::Debug for Scoped<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("family", &F::SPEC.name())
            .field("future", &*self.future)
            .finish()
    }
}
