//! Scopes: the family for code that names none.
//!
//! A scope is two words in thread-local storage next to the thread's cache slots: the position of the family,
//! and the address of its thread cache. Entering a scope writes them, leaving it restores the previous
//! ones. So scopes nest, a scope ends when its guard is dropped, by a panic too, and each thread has its
//! own. Only allocations that name no family read it: those of the global allocator over the set
//! ([`FamAlloc`](crate::FamAlloc)), and of [`raw::alloc_in_scope`](crate::raw::alloc_in_scope).
//!
//! Without the standard library there are no thread-locals. Then scopes work only in programs that have
//! promised to have one thread, and do nothing in others.

use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use crate::any_family::AnyFamily;
use crate::family_set::FamilySet;
use crate::thread::{CacheSlots, exit};

/// The position of the family in which the calling thread allocates now where it names none.
#[inline(always)]
pub(crate) fn current<S: FamilySet>() -> usize {
    const { assert!(!S::FAMILIES.is_empty(), "a family set needs at least one family") };
    S::scope()
}

/// A scope that lasts until the guard is dropped: the calling thread allocates in its family when it names
/// none.
///
/// Made by [`Family::enter`](crate::Family::enter). It stays on its thread. Guards are dropped in reverse order, as the language
/// ensures for variables; dropping one restores the scope that was there when it was made.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, raw};
/// use core::alloc::Layout;
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Ast,
/// }
///
/// let layout = Layout::new::<u64>();
/// let scope = lives::Ast::enter();
/// let inside = raw::alloc_in_scope::<Lives>(layout)?;
/// drop(scope);
/// let outside = raw::alloc_in_scope::<Lives>(layout)?;
/// assert_eq!(query(inside.as_ptr()).unwrap().family, "Ast");
/// assert_eq!(query(outside.as_ptr()).unwrap().family, "General");
/// # // SAFETY: allocated above, and not used again.
/// # unsafe { raw::free::<Lives>(inside).unwrap(); raw::free::<Lives>(outside).unwrap() };
/// # Ok::<(), famalloc::AllocError>(())
/// ```
///
/// It cannot be sent to another thread:
///
/// ```compile_fail,E0277
/// # use famalloc::alloc_family;
/// # #[alloc_family]
/// # enum Lives { General, Ast }
/// let scope = lives::Ast::enter();
/// std::thread::spawn(move || drop(scope));
/// ```
#[must_use = "the scope ends when the guard is dropped"]
pub struct ScopeGuard<S: FamilySet> {
    before: usize,
    set: PhantomData<fn() -> S>,
    /// It stays where it is: that is whose scope it ends.
    thread: PhantomData<*const ()>,
}

impl<S: FamilySet> ScopeGuard<S> {
    #[inline(always)]
    pub(crate) fn new(family: usize) -> Self {
        let before = match exit::has_scopes() {
            // SAFETY: the thread's own cache slots, of a family of the set.
            true => unsafe { CacheSlots::enter(S::cache_slots(), family) },
            false => S::scope(),
        };
        Self { before, set: PhantomData, thread: PhantomData }
    }

    /// A scope of a family that is known only at run time.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, ScopeGuard};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     Parsing,
    ///     Running,
    /// }
    ///
    /// fn phase(lives: Lives, work: impl FnOnce()) {
    ///     let _scope = ScopeGuard::enter(&lives);
    ///     work();
    /// }
    ///
    /// phase(Lives::Parsing, || ());
    /// phase(Lives::Running, || ());
    /// ```
    #[inline]
    pub fn enter(family: &S) -> Self {
        Self::new(family.index())
    }

    /// Steps out of all scopes of the set on the calling thread until the guard is dropped: a scope of the
    /// fallback family. [`Family::outside`](crate::Family::outside) without a closure; what it is for is said
    /// there.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, ScopeGuard};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Parsing,
    /// }
    ///
    /// let current = || ScopeGuard::<Lives>::current().spec().name();
    /// let _parsing = lives::Parsing::enter();
    /// let outside = ScopeGuard::<Lives>::outside();
    /// assert_eq!(current(), "General");
    /// drop(outside);
    /// assert_eq!(current(), "Parsing");
    /// ```
    #[inline]
    pub fn outside() -> Self {
        Self::new(AnyFamily::<S>::FALLBACK.position())
    }

    /// The family in which the calling thread now allocates when it names none.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, ScopeGuard};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Parsing,
    /// }
    ///
    /// let current = || ScopeGuard::<Lives>::current().spec().name();
    /// assert_eq!(current(), "General");
    /// assert_eq!(lives::Parsing::scope(current), "Parsing");
    /// ```
    #[inline]
    #[must_use]
    pub fn current() -> AnyFamily<S> {
        AnyFamily::new(current::<S>())
    }

    /// Makes a family the scope of the calling thread until the next change, and returns the previous one:
    /// a scope without a guard, for code that cannot have one, as in languages without destructors. The
    /// caller must restore the previous one.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, ScopeGuard};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Parsing,
    /// }
    ///
    /// let before = ScopeGuard::<Lives>::replace(Lives::Parsing.into());
    /// assert_eq!(ScopeGuard::<Lives>::current(), Lives::Parsing.into());
    /// ScopeGuard::<Lives>::replace(before);
    /// assert_eq!(ScopeGuard::<Lives>::current(), Lives::General.into());
    /// ```
    #[inline]
    #[expect(clippy::must_use_candidate, reason = "whoever puts one back has no use for another")]
    pub fn replace(family: AnyFamily<S>) -> AnyFamily<S> {
        let before = ManuallyDrop::new(Self::new(family.position())).before;
        AnyFamily::new(before)
    }
}

impl<S: FamilySet> Drop for ScopeGuard<S> {
    #[inline(always)]
    fn drop(&mut self) {
        if exit::has_scopes() {
            // SAFETY: the thread's own cache slots, of the family that it was before.
            unsafe { CacheSlots::enter(S::cache_slots(), self.before) };
        }
    }
}

impl<S: FamilySet> fmt::Debug for ScopeGuard<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeGuard").field("before", &S::FAMILIES[self.before].name()).finish()
    }
}

/// Runs the panic hook outside of the scopes of a set, from now on, in all threads.
///
/// A panic hook that prints a backtrace loads the symbol tables of the program, and the standard library keeps
/// them until the process ends: tens of megabytes for a program with debug information. Without this call they go
/// to the family in whose scope the first panic happened, and stay there. With it they go to the fallback
/// family: the present hook is replaced by one that [steps out](ScopeGuard::outside) and calls it.
///
/// Call it once for each set with scopes, early in `main`, after the program has set a hook of its own. A hook
/// that is set later replaces this one, unless it calls the one it replaces. It costs nothing until there is a
/// panic.
///
/// A panic does these things in the scope still: it makes its payload and its message, which live until the panic is
/// caught, and it drops the values that it passes. To run something else outside of all scopes, for instance the
/// printing of a [`Backtrace`](std::backtrace::Backtrace) that an error carries, use
/// [`Family::outside`](crate::Family::outside).
///
/// # Panics
///
/// If the calling thread is panicking, as [`std::panic::set_hook`] does.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, query, run_panic_hook_outside, FamAlloc};
/// use std::sync::Mutex;
///
/// #[alloc_family]
/// enum Lives {
///     General,
///     Request,
/// }
///
/// #[global_allocator]
/// static GLOBAL: FamAlloc<Lives> = FamAlloc::new();
///
/// static LAST_PANIC: Mutex<String> = Mutex::new(String::new());
///
/// fn main() {
///     std::panic::set_hook(Box::new(|panic| *LAST_PANIC.lock().unwrap() = panic.to_string()));
///     run_panic_hook_outside::<Lives>();
///
///     let caught = lives::Request::scope(|| std::panic::catch_unwind(|| panic!("no such page")));
///     assert!(caught.is_err());
///     assert_eq!(query(LAST_PANIC.lock().unwrap().as_ptr()).unwrap().family, "General");
/// }
/// ```
#[cfg(feature = "std")]
pub fn run_panic_hook_outside<S: FamilySet>() {
    // The hook itself lives for as long as the program.
    let _outside = ScopeGuard::<S>::outside();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _outside = ScopeGuard::<S>::outside();
        hook(panic);
    }));
}
