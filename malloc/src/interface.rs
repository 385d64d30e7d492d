//! The list of what `famalloc.h` declares, in its order: exports and header are made of it.
//!
//! What stands in brackets behind a name is said to compilers that understand it, as an attribute of the
//! declaration.

/// The functions that the header declares.
#[doc(hidden)]
#[macro_export]
macro_rules! __interface {
    ([$($callback:tt)*] $($arguments:tt)*) => {
        $($callback)*! {
            $($arguments)*

            /// The family of a name. A name that no family has is given to the next that has none, and stays
            /// with it for good: so all who ask for "parser" share a family, and need not know of each other.
            ///
            /// FAM_NONE with errno ENOSPC where all families have other names, EINVAL for no name, ENOMEM.
            fn fam_family(name: *const c_char) -> fam_family_t
                = $crate::calls::families::find;
            /// The name of a family; NULL if it has none, or there is no such family.
            fn fam_family_name(family: fam_family_t) -> *const c_char
                = $crate::calls::families::name;
            /// How many families there are, with and without a name. They are numbered from 0.
            fn fam_family_count() -> u32 = $crate::calls::families::count;

            /// malloc in a family, whatever scope the thread is in. NULL with errno ENOMEM, or EINVAL where
            /// there is no such family.
            fn fam_malloc[malloc, alloc_size(2), warn_unused_result](
                family: fam_family_t, size: usize
            ) -> *mut c_void = $crate::calls::alloc::malloc;
            /// calloc in a family.
            fn fam_calloc[malloc, alloc_size(2, 3), warn_unused_result](
                family: fam_family_t, count: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::calloc;
            /// aligned_alloc in a family: size bytes at a multiple of align, a power of two; otherwise
            /// EINVAL.
            fn fam_aligned_alloc[malloc, alloc_align(2), alloc_size(3), warn_unused_result](
                family: fam_family_t, align: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::aligned_alloc;
            /// strdup in a family.
            fn fam_strdup[malloc, nonnull(2), warn_unused_result](
                family: fam_family_t, text: *const c_char
            ) -> *mut c_char = $crate::calls::alloc::strdup;

            /// realloc: what is there stays in its family, wherever it goes. NULL is malloc in the thread's
            /// scope.
            fn fam_realloc[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::standard::realloc;
            /// realloc that need not keep the contents: where it moves, nothing is copied.
            fn fam_realloc_discard[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::calls::alloc::realloc_discard;
            /// realloc of what was asked for with old_size bytes; all bytes behind those are zero.
            fn fam_realloc_zeroed[alloc_size(3), warn_unused_result](
                start: *mut c_void, old_size: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::realloc_zeroed;
            /// Makes it at least so large where it is, or smaller, and returns its start; or returns NULL,
            /// and nothing has changed, errno included. Use the returned pointer from then on: it is by that
            /// alone that compilers know of the new size, and _FORTIFY_SOURCE goes by what they know.
            fn fam_try_resize[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::calls::alloc::try_resize;

            /// free: takes what any of these functions returned, and what malloc did.
            fn fam_free(start: *mut c_void) = $crate::standard::free;
            /// free for who knows the size that was asked for.
            fn fam_free_sized(start: *mut c_void, size: usize) = $crate::standard::free_sized;
            /// free for who knows the size and the alignment that were asked for.
            fn fam_free_aligned_sized(start: *mut c_void, align: usize, size: usize)
                = $crate::standard::free_aligned_sized;
            /// How many bytes of it can be used; 0 for NULL.
            fn fam_usable_size(start: *mut c_void) -> usize
                = $crate::standard::malloc_usable_size;

            /// From now on, what the calling thread allocates without naming a family goes to this one:
            /// malloc, operator new, strdup, and whatever uses them. Returns the family before, for
            /// fam_scope_leave; scopes nest. FAM_NONE with errno EINVAL where there is no such family; the
            /// scope is as it was then.
            fn fam_scope_enter[warn_unused_result](family: fam_family_t) -> fam_family_t
                = $crate::calls::scopes::enter;
            /// Ends a scope: before is what fam_scope_enter returned. FAM_NONE changes nothing.
            fn fam_scope_leave(before: fam_family_t) = $crate::calls::scopes::leave;
            /// The family in which the calling thread allocates where it names none.
            fn fam_scope_current() -> fam_family_t = $crate::calls::scopes::current;

            /// A region of a family: an arena, which is filled from the front, and given up at once. NULL
            /// with errno EINVAL where there is no such family, ENOMEM. It takes no memory for its objects
            /// before there are some.
            ///
            /// One thread at a time uses a region.
            fn fam_region_new[warn_unused_result](family: fam_family_t) -> *mut fam_region_t
                = $crate::calls::regions::new;
            /// Gives up a region and everything in it. NULL is let be.
            fn fam_region_delete(region: *mut fam_region_t) = $crate::calls::regions::delete;
            /// size bytes in the region, aligned as by malloc, until it is reset, rewound or deleted. NULL
            /// with errno ENOMEM.
            fn fam_region_alloc[malloc, alloc_size(2), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, size: usize
            ) -> *mut c_void = $crate::calls::regions::alloc;
            /// count objects of size bytes, all zero.
            fn fam_region_calloc[malloc, alloc_size(2, 3), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, count: usize, size: usize
            ) -> *mut c_void = $crate::calls::regions::calloc;
            /// size bytes at a multiple of align, a power of two; otherwise EINVAL.
            fn fam_region_aligned_alloc[
                malloc, alloc_align(2), alloc_size(3), nonnull(1), warn_unused_result
            ](region: *mut fam_region_t, align: usize, size: usize) -> *mut c_void
                = $crate::calls::regions::aligned_alloc;
            /// A copy of a string.
            fn fam_region_strdup[malloc, nonnull(1, 2), warn_unused_result](
                region: *mut fam_region_t, text: *const c_char
            ) -> *mut c_char = $crate::calls::regions::strdup;
            /// Makes what was last asked for with old_size bytes size bytes long, elsewhere if it must be,
            /// but aligned as by malloc alone. The latest object grows where it is.
            fn fam_region_realloc[alloc_size(4), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, start: *mut c_void, old_size: usize, size: usize
            ) -> *mut c_void = $crate::calls::regions::realloc;
            /// Frees one object, which was last asked for with size bytes. No need: its memory goes with
            /// the region in any case.
            fn fam_region_free[nonnull(1)](
                region: *mut fam_region_t, start: *mut c_void, size: usize
            ) = $crate::calls::regions::free;
            /// Gives up everything in the region, which keeps its largest chunk for what comes next.
            fn fam_region_reset[nonnull(1)](region: *mut fam_region_t)
                = $crate::calls::regions::reset;
            /// The present state, to go back to.
            fn fam_region_mark[nonnull(1), warn_unused_result](
                region: *mut fam_region_t
            ) -> fam_region_mark_t = $crate::calls::regions::mark;
            /// Gives up everything that was allocated since the mark was made. Marks are gone back to, or
            /// forgotten, the latest first, and each once; a reset forgets all.
            fn fam_region_rewind[nonnull(1)](region: *mut fam_region_t, mark: fam_region_mark_t)
                = $crate::calls::regions::rewind;
            /// Whether an address, any at all, lies in the region's chunks.
            fn fam_region_owns[nonnull(1)](
                region: *mut fam_region_t, address: *const c_void
            ) -> bool = $crate::calls::regions::owns;
            /// The family of the region.
            fn fam_region_family[nonnull(1)](region: *mut fam_region_t) -> fam_family_t
                = $crate::calls::regions::family_of;
            /// The bytes of its chunks.
            fn fam_region_bytes[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::bytes;
            /// What it uses.
            fn fam_region_stats[nonnull(1, 2)](
                region: *mut fam_region_t, out: *mut fam_region_stats_t
            ) = $crate::calls::regions::stats;
            /// The most bytes that its chunks may have; SIZE_MAX if there is no limit but the family's.
            fn fam_region_limit[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::limit;
            /// Changes the limit. What is there already stays. Chunks are multiples of 64 KiB.
            fn fam_region_set_limit[nonnull(1)](region: *mut fam_region_t, bytes: usize)
                = $crate::calls::regions::set_limit;
            /// Gives chunks without anything in them back to the family. Returns their bytes.
            fn fam_region_shrink[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::shrink;

            /// What an address is, any address at all, without touching it. false where it is nothing that
            /// was handed out; *out is left alone then.
            fn fam_query[nonnull(2)](address: *const c_void, out: *mut fam_query_t) -> bool
                = $crate::calls::report::query;
            /// What a family uses. 0, or EINVAL where there is no such family.
            fn fam_stats[nonnull(2)](family: fam_family_t, out: *mut fam_stats_t) -> c_int
                = $crate::calls::report::stats;
            /// Whether everything is whole: 0, or -1 with what is wrong in message, a string of less than
            /// room bytes. (An empty one, if nothing is.)
            fn fam_check(message: *mut c_char, room: usize) -> c_int
                = $crate::calls::report::check;
            /// Calls visit with every live object of a family, in address order, huge ones last, but not
            /// with what lies in regions. 0; EBUSY where another thread has used the family and still runs,
            /// EINVAL where there is no such family, or no function: then nothing was visited.
            ///
            /// visit may allocate and free. If it does so in this family, addresses of free slots may be among
            /// those that follow.
            fn fam_walk(family: fam_family_t, visit: fam_visit_t, context: *mut c_void) -> c_int
                = $crate::calls::report::walk;
            /// Frees all objects of a family at once, but for what lies in regions: none of them is used
            /// again, and no other thread uses the family meanwhile. 0; EBUSY as fam_walk, EINVAL where there
            /// is no such family, and for the general one, in which the C library has its own.
            ///
            /// What libraries allocate for themselves within a scope of the family is among what is freed:
            /// buffers of stdio, locales, a thread's data. So this is for families that are only named, and
            /// never entered as a scope.
            fn fam_free_all(family: fam_family_t) -> c_int = $crate::calls::report::free_all;

            /// Gives at least so many bytes of unused memory back to the system, or all there is. Returns
            /// how many went.
            fn fam_reclaim(goal: usize) -> usize = $crate::calls::lifecycle::reclaim;
            /// Gives all unused memory back to the system. Returns how many bytes went.
            fn fam_flush() -> usize = $crate::calls::lifecycle::flush;
            /// Does what the first allocation would otherwise do. No need.
            fn fam_initialize() = $crate::calls::lifecycle::initialize;
            /// Gives back all that can be: what is live stays valid, and there may be more.
            fn fam_finalize() = $crate::calls::lifecycle::finalize;
            /// Makes what the calling thread needs to allocate without a lock; false where it cannot be had.
            /// No need.
            fn fam_thread_initialize() -> bool = $crate::calls::lifecycle::thread_initialize;
            /// Leaves all scopes.
            fn fam_thread_reset() = $crate::calls::scopes::reset;
            /// Puts what the calling thread keeps for its next allocations where others, and fam_reclaim,
            /// can have it: before it waits for long.
            fn fam_thread_collect() = $crate::calls::lifecycle::thread_collect;
            /// Leaves all scopes, and gives back all that the calling thread keeps, as its end does. It may
            /// allocate again.
            fn fam_thread_finalize() = $crate::calls::lifecycle::thread_finalize;
        }
    };
}
