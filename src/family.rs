//! Families: the names of lifetimes, and how types find them.
//!
//! A *family set* is an enum; each of its variants is a *family*, a lifetime class. The macro
//! [`alloc_family`](crate::alloc_family) writes the implementations of the traits below. They are all that
//! the allocator knows about a user's program.
//!
//! ```text
//! #[alloc_family]
//! enum Lives {              ==>   mod lives { struct Ast; struct Object; }
//!     Ast,                        impl Family for lives::Ast, lives::Object
//!     Object,                     impl FamilySet for Lives
//! }                               one static table, one thread-local array of cache slots
//!
//! #[alloc_family(Lives::Ast)]
//! struct Node { .. }        ==>   impl InFamily for Node { type Family = lives::Ast; }
//! ```

use crate::family_set::FamilySet;
use crate::scope::ScopeGuard;
use crate::spec::FamilySpec;
use crate::thread::CacheSlot;

mod scoped;

pub use scoped::Scoped;

/// A family: a zero-sized marker type that stands for a variant of a family set.
///
/// Implemented by [`alloc_family`](crate::alloc_family), which puts the marker types into a module
/// named after the enum in snake case.
///
/// # Safety
///
/// The type has no size, and exactly one value. `INDEX` is the position of this family in `Set::FAMILIES`,
/// `SPEC` is the entry there, and `cache_slot` returns the calling thread's own cache slot for this family, valid
/// until the thread has ended. (Without the feature `std` all threads have the same.)
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Family};
///
/// #[alloc_family]
/// enum Lives {
///     Frame,
///     Level,
/// }
///
/// assert_eq!(lives::Level::INDEX, 1);
/// assert_eq!(lives::Level::SPEC.name(), "Level");
/// ```
pub unsafe trait Family: Copy + Default + Send + Sync + 'static {
    /// The set this family belongs to.
    type Set: FamilySet;
    /// The variant that this marker stands for.
    const KEY: Self::Set;
    /// The marker as a value, where `default` cannot be called: in constants.
    #[doc(hidden)]
    const MARKER: Self;
    /// The position of the variant in the set.
    const INDEX: usize;
    /// The attributes of the variant.
    const SPEC: FamilySpec;

    /// The thread-local in which the calling thread keeps the address of its thread cache for this family.
    #[doc(hidden)]
    fn cache_slot() -> *const CacheSlot;

    /// Runs `work` in a scope of this family: if the global allocator is one over this set ([`FamAlloc`]),
    /// `work` and everything that it calls allocate in this family when they name none.
    ///
    /// Scopes nest; the innermost applies. They apply only to the calling thread: code that `work` runs on
    /// other threads is in the scopes of those. Frees and reallocations ignore the scope: memory returns
    /// to its family when it is freed, and stays there when it is reallocated. A scope costs two loads and
    /// two stores, and no lock.
    ///
    /// Some of what `work` calls may keep memory for longer than `work` runs; [`outside`](Self::outside) says what
    /// is known to do so, and what helps.
    ///
    /// # Examples
    ///
    /// ```
    /// use famalloc::{alloc_family, query, FamAlloc};
    ///
    /// #[alloc_family]
    /// enum Lives {
    ///     General,
    ///     Ast,
    /// }
    ///
    /// #[global_allocator]
    /// static GLOBAL: FamAlloc<Lives> = FamAlloc::new();
    ///
    /// let words = lives::Ast::scope(|| "a b c".split(' ').map(String::from).collect::<Vec<_>>());
    /// assert_eq!(query(words.as_ptr()).unwrap().family, "Ast");
    /// assert_eq!(query(words[0].as_ptr()).unwrap().family, "Ast");
    ///
    /// let outside = String::from("d");
    /// assert_eq!(query(outside.as_ptr()).unwrap().family, "General");
    /// ```
    ///
    /// [`FamAlloc`]: crate::FamAlloc
    #[inline(always)]
    fn scope<R>(work: impl FnOnce() -> R) -> R {
        let _scope = Self::enter();
        work()
    }

    /// Enters a scope of this family that lasts until the guard is dropped: [`scope`](Self::scope) without
    /// a closure.
    ///
    /// # Examples
    ///
    /// See [`ScopeGuard`].
    #[inline(always)]
    fn enter() -> ScopeGuard<Self::Set> {
        ScopeGuard::new(Self::INDEX)
    }

    /// Runs `work` outside of all scopes of this family's set: in a scope of the fallback family
    /// ([`FamilySet::FALLBACK`]), whichever family it is called by.
    ///
    /// It is for what is made within a scope and outlives it. A library that makes something at its first
    /// use and keeps it takes the memory from the scope of that first use; so a few megabytes that stay for good are
    /// in the family of a request that ended long ago. Make such things before the first scope, or in `outside`.
    ///
    /// These are known to keep what they make:
    ///
    /// | what | keeps | until |
    /// |---|---|---|
    /// | a panic that prints a backtrace | the symbol tables of the program, tens of megabytes | the process ends; `run_panic_hook_outside` has them made outside |
    /// | `std::backtrace::Backtrace`, and errors that carry one, when they are printed | the same | the same; print them in `outside` |
    /// | `LazyLock`, `OnceLock`, `lazy_static!`, and what a crate keeps in them | the value | the process ends |
    /// | `thread_local!` | the value, if it owns memory | the thread ends |
    /// | `println!` and `std::io::stdout`, at their first use | a buffer | the process ends |
    /// | `std::thread::spawn` | the thread's name, handle and result | the thread ends and nobody has the handle |
    /// | channels, queues, pools of threads or connections | room for what is sent or waits | they are dropped |
    /// | `regex` | working memory of each expression, for the threads that use it | the expression is dropped |
    /// | `tracing`, `log` with a subscriber | what they know of each place that logs, and buffers | the process ends |
    /// | an arena, interner or cache of the program's own | what is put into it | it is dropped |
    ///
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use famalloc::{alloc_family, query, FamAlloc};
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
    /// static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["made once".to_owned()]);
    ///
    /// lives::Request::scope(|| {
    ///     let words = lives::Request::outside(|| LazyLock::force(&WORDS));
    ///     assert_eq!(query(words.as_ptr()).unwrap().family, "General");
    ///     let answer = words[0].clone();
    ///     assert_eq!(query(answer.as_ptr()).unwrap().family, "Request");
    /// });
    /// ```
    #[inline(always)]
    fn outside<R>(work: impl FnOnce() -> R) -> R {
        let _outside = ScopeGuard::<Self::Set>::outside();
        work()
    }

    /// A future that is polled in a scope of this family: each poll enters it and leaves it, on whichever
    /// thread.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::future::Future;
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    /// use famalloc::{alloc_family, query, FamAlloc};
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
    /// async fn handle(name: &str) -> String {
    ///     format!("hello, {name}")
    /// }
    ///
    /// let mut task = pin!(lives::Request::scope_future(handle("you")));
    /// let Poll::Ready(answer) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
    ///     unreachable!("nothing to wait for");
    /// };
    /// assert_eq!(query(answer.as_ptr()).unwrap().family, "Request");
    /// ```
    fn scope_future<T>(future: T) -> Scoped<Self, T> {
        Scoped::new(future)
    }
}

/// A type that has a family: `FamilyBox<T>` allocates values of `T` there.
///
/// Implemented by `#[alloc_family(Set::Variant)]` on the type. A slice or array is in the family of
/// its elements.
///
/// # Examples
///
/// ```
/// use famalloc::{alloc_family, Family, FamilyOf};
///
/// #[alloc_family]
/// enum Lives {
///     Ast,
/// }
///
/// #[alloc_family(Lives::Ast)]
/// struct Node(u32);
///
/// assert_eq!(<FamilyOf<Node> as Family>::SPEC.name(), "Ast");
/// assert_eq!(<FamilyOf<[Node]> as Family>::SPEC.name(), "Ast");
/// # let _ = Node(0).0;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` belongs to no family",
    label = "no `#[alloc_family(Set::Variant)]` on this type",
    note = "add `#[alloc_family(Set::Variant)]` to the definition of `{Self}`, or name the family at the use: `FamilyBox::new_in(.., set::Variant)`",
    note = "a trait object has no family of its own: its handle is a `FamilyBox<dyn Trait, set::Variant>`, made by `famalloc::unsize!(boxed => dyn Trait)`"
)]
pub trait InFamily {
    /// The family of this type.
    type Family: Family;
}

impl<T: InFamily> InFamily for [T] {
    type Family = T::Family;
}

impl<T: InFamily, const N: usize> InFamily for [T; N] {
    type Family = T::Family;
}

impl<T: InFamily> InFamily for core::mem::MaybeUninit<T> {
    type Family = T::Family;
}

/// The family of a type.
pub type FamilyOf<T> = <T as InFamily>::Family;
