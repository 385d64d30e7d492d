//! What slow paths return.

use core::ptr::{self, NonNull};

use crate::error::{AllocError, AllocErrorKind};

/// Memory, or why there is none, in one register. A `Result` would come back by way of the caller's stack. A
/// large function with allocation compiled into it, such as an interpreter's loop, would pay for that
/// everywhere.
///
/// The highest addresses are the kinds of errors: no memory is there, and no dangling address either, which is a
/// power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken(*mut u8);

const LAST: usize = AllocError::KINDS.len() - 1;

impl Taken {
    pub(crate) fn new(taken: Result<NonNull<u8>, AllocError>) -> Self {
        match taken {
            Ok(start) => {
                debug_assert!(!start.addr().get() > LAST, "memory is at {start:p}");
                Self(start.as_ptr())
            }
            Err(error) => Self(ptr::without_provenance_mut(!(error.kind() as usize))),
        }
    }

    #[inline(always)]
    pub(crate) fn into_result(self) -> Result<NonNull<u8>, AllocError> {
        match AllocError::KINDS.get(!self.0.addr()) {
            Some(&kind) => Err(AllocError::new(kind)),
            // SAFETY: made from what is not null.
            None => Ok(unsafe { NonNull::new_unchecked(self.0) }),
        }
    }
}

const _: () = {
    let mut number = 0;
    while number <= LAST {
        assert!(AllocError::KINDS[number] as usize == number, "kinds are in their order");
        number += 1;
    }
    assert!(AllocErrorKind::Commit as usize == LAST, "all kinds are there");
};

#[cfg(test)]
mod tests {
    use super::*;

    fn dangling(align: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(align)).unwrap()
    }

    #[test]
    fn what_is_taken_comes_back() {
        let mut slots = [0u8; 2];
        let dangling = (0..usize::BITS).map(|shift| dangling(1 << shift));
        for start in slots.iter_mut().map(NonNull::from).chain(dangling) {
            assert_eq!(Taken::new(Ok(start)).into_result(), Ok(start));
        }
        for kind in AllocError::KINDS {
            let error = AllocError::new(kind);
            assert_eq!(Taken::new(Err(error)).into_result(), Err(error));
        }
    }
}
