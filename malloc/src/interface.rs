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

            /// Returns the family with this name. If no family has it, the next unnamed family takes it and
            /// keeps it for good. So all callers that ask for "parser" share one family and need not know of
            /// each other.
            ///
            /// Returns FAM_NONE and sets errno: ENOSPC if every family has another name, EINVAL if name is
            /// NULL or empty, ENOMEM if no memory is available.
            fn fam_family(name: *const c_char) -> fam_family_t
                = $crate::calls::families::find;
            /// Returns the name of a family, or NULL if the family has no name or does not exist.
            fn fam_family_name(family: fam_family_t) -> *const c_char
                = $crate::calls::families::name;
            /// Returns the number of families, named and unnamed. Families are numbered from 0.
            fn fam_family_count() -> u32 = $crate::calls::families::count;

            /// malloc in a family; ignores the scope of the thread. Returns NULL and sets errno to ENOMEM, or
            /// to EINVAL if there is no such family.
            fn fam_malloc[malloc, alloc_size(2), warn_unused_result](
                family: fam_family_t, size: usize
            ) -> *mut c_void = $crate::calls::alloc::malloc;
            /// calloc in a family.
            fn fam_calloc[malloc, alloc_size(2, 3), warn_unused_result](
                family: fam_family_t, count: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::calloc;
            /// aligned_alloc in a family: size bytes at a multiple of align. Sets errno to EINVAL if align is
            /// not a power of two.
            fn fam_aligned_alloc[malloc, alloc_align(2), alloc_size(3), warn_unused_result](
                family: fam_family_t, align: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::aligned_alloc;
            /// strdup in a family.
            fn fam_strdup[malloc, nonnull(2), warn_unused_result](
                family: fam_family_t, text: *const c_char
            ) -> *mut c_char = $crate::calls::alloc::strdup;

            /// realloc. The memory stays in its family, even if it moves. If start is NULL: malloc in the
            /// scope of the thread.
            fn fam_realloc[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::standard::realloc;
            /// realloc that need not keep the contents: if the memory moves, nothing is copied.
            fn fam_realloc_discard[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::calls::alloc::realloc_discard;
            /// realloc of memory that was requested with old_size bytes; all bytes after those are zero.
            fn fam_realloc_zeroed[alloc_size(3), warn_unused_result](
                start: *mut c_void, old_size: usize, size: usize
            ) -> *mut c_void = $crate::calls::alloc::realloc_zeroed;
            /// Resizes the memory in place: grows it to at least size bytes, or shrinks it. Returns start, or
            /// NULL if it cannot; then nothing has changed, errno included. Use the returned pointer from
            /// then on: compilers learn the new size only from it, and _FORTIFY_SOURCE relies on what they
            /// know.
            fn fam_try_resize[alloc_size(2), warn_unused_result](
                start: *mut c_void, size: usize
            ) -> *mut c_void = $crate::calls::alloc::try_resize;

            /// free. Takes any pointer that these functions or malloc returned.
            fn fam_free(start: *mut c_void) = $crate::standard::free;
            /// free_sized: size is the size that was requested.
            fn fam_free_sized(start: *mut c_void, size: usize) = $crate::standard::free_sized;
            /// free_aligned_sized: align and size are those that were requested.
            fn fam_free_aligned_sized(start: *mut c_void, align: usize, size: usize)
                = $crate::standard::free_aligned_sized;
            /// Returns the number of usable bytes at start; 0 for NULL.
            fn fam_usable_size(start: *mut c_void) -> usize
                = $crate::standard::malloc_usable_size;

            /// Makes family the scope of the calling thread: from now on, whatever the thread allocates
            /// without naming a family goes there, through malloc, operator new, strdup and everything that
            /// uses them. Scopes nest. Returns the previous family, which fam_scope_leave needs. If there is
            /// no such family, returns FAM_NONE, sets errno to EINVAL and keeps the scope.
            fn fam_scope_enter[warn_unused_result](family: fam_family_t) -> fam_family_t
                = $crate::calls::scopes::enter;
            /// Ends a scope. before is what fam_scope_enter returned; FAM_NONE changes nothing.
            fn fam_scope_leave(before: fam_family_t) = $crate::calls::scopes::leave;
            /// Returns the family in which the calling thread allocates when it names none.
            fn fam_scope_current() -> fam_family_t = $crate::calls::scopes::current;

            /// Creates a region of a family: an arena that is filled from the front and freed as a whole.
            /// Returns NULL and sets errno: EINVAL if there is no such family, ENOMEM if no memory is
            /// available. The region takes memory for objects only when it has some.
            ///
            /// Only one thread at a time may use a region.
            fn fam_region_new[warn_unused_result](family: fam_family_t) -> *mut fam_region_t
                = $crate::calls::regions::new;
            /// Frees a region and everything in it. Does nothing if region is NULL.
            fn fam_region_delete(region: *mut fam_region_t) = $crate::calls::regions::delete;
            /// Allocates size bytes in the region, aligned as by malloc. They are valid until the region is
            /// reset, rewound or deleted. Returns NULL and sets errno to ENOMEM if no memory is available.
            fn fam_region_alloc[malloc, alloc_size(2), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, size: usize
            ) -> *mut c_void = $crate::calls::regions::alloc;
            /// Allocates count objects of size bytes, all zero.
            fn fam_region_calloc[malloc, alloc_size(2, 3), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, count: usize, size: usize
            ) -> *mut c_void = $crate::calls::regions::calloc;
            /// Allocates size bytes at a multiple of align. Sets errno to EINVAL if align is not a power of
            /// two.
            fn fam_region_aligned_alloc[
                malloc, alloc_align(2), alloc_size(3), nonnull(1), warn_unused_result
            ](region: *mut fam_region_t, align: usize, size: usize) -> *mut c_void
                = $crate::calls::regions::aligned_alloc;
            /// Copies a string into the region.
            fn fam_region_strdup[malloc, nonnull(1, 2), warn_unused_result](
                region: *mut fam_region_t, text: *const c_char
            ) -> *mut c_char = $crate::calls::regions::strdup;
            /// Resizes an object, last requested with old_size bytes, to size bytes. The latest object grows
            /// in place; others may move. The result is aligned as by malloc only.
            fn fam_region_realloc[alloc_size(4), nonnull(1), warn_unused_result](
                region: *mut fam_region_t, start: *mut c_void, old_size: usize, size: usize
            ) -> *mut c_void = $crate::calls::regions::realloc;
            /// Frees one object, last requested with size bytes. Optional: the region frees its memory in any
            /// case.
            fn fam_region_free[nonnull(1)](
                region: *mut fam_region_t, start: *mut c_void, size: usize
            ) = $crate::calls::regions::free;
            /// Frees everything in the region. The region keeps its largest chunk for later use.
            fn fam_region_reset[nonnull(1)](region: *mut fam_region_t)
                = $crate::calls::regions::reset;
            /// Returns the present state of the region, for fam_region_rewind.
            fn fam_region_mark[nonnull(1), warn_unused_result](
                region: *mut fam_region_t
            ) -> fam_region_mark_t = $crate::calls::regions::mark;
            /// Frees everything that was allocated since the mark was made. Rewind to marks, or forget them,
            /// in reverse order, and to each at most once. A reset forgets all marks.
            fn fam_region_rewind[nonnull(1)](region: *mut fam_region_t, mark: fam_region_mark_t)
                = $crate::calls::regions::rewind;
            /// Tells whether an address is in one of the region's chunks. Any address may be passed.
            fn fam_region_owns[nonnull(1)](
                region: *mut fam_region_t, address: *const c_void
            ) -> bool = $crate::calls::regions::owns;
            /// Returns the family of the region.
            fn fam_region_family[nonnull(1)](region: *mut fam_region_t) -> fam_family_t
                = $crate::calls::regions::family_of;
            /// Returns the size of the region's chunks in bytes.
            fn fam_region_bytes[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::bytes;
            /// Writes what the region uses to *out.
            fn fam_region_stats[nonnull(1, 2)](
                region: *mut fam_region_t, out: *mut fam_region_stats_t
            ) = $crate::calls::regions::stats;
            /// Returns the most bytes that the region's chunks may have; SIZE_MAX if only the family's limit
            /// applies.
            fn fam_region_limit[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::limit;
            /// Sets the limit of the region. Existing chunks stay. Chunks are multiples of 64 KiB.
            fn fam_region_set_limit[nonnull(1)](region: *mut fam_region_t, bytes: usize)
                = $crate::calls::regions::set_limit;
            /// Gives the empty chunks of the region back to the family. Returns their size in bytes.
            fn fam_region_shrink[nonnull(1)](region: *mut fam_region_t) -> usize
                = $crate::calls::regions::shrink;

            /// Describes an address in *out, without touching the memory there. Any address may be passed.
            /// Returns false if nothing is allocated there; then *out is unchanged.
            fn fam_query[nonnull(2)](address: *const c_void, out: *mut fam_query_t) -> bool
                = $crate::calls::report::query;
            /// Writes what a family uses to *out. Returns 0, or EINVAL if there is no such family.
            fn fam_stats[nonnull(2)](family: fam_family_t, out: *mut fam_stats_t) -> c_int
                = $crate::calls::report::stats;
            /// Checks the integrity of the heap. Returns 0 and makes message empty, or returns -1 and writes
            /// a description of the damage to message, a string of less than room bytes.
            fn fam_check(message: *mut c_char, room: usize) -> c_int
                = $crate::calls::report::check;
            /// Calls visit with every live object of a family in address order, huge objects last. Skips
            /// objects in regions. Returns 0; or EBUSY if another thread has used the family and still runs;
            /// or EINVAL if there is no such family or visit is NULL. On an error nothing is visited.
            ///
            /// visit may allocate and free. If it does so in this family, later addresses may be those of
            /// free slots.
            fn fam_walk(family: fam_family_t, visit: fam_visit_t, context: *mut c_void) -> c_int
                = $crate::calls::report::walk;
            /// Frees all objects of a family at once, except those in regions. None of them may be used
            /// again, and no other thread may use the family meanwhile. Returns 0; or EBUSY as for fam_walk;
            /// or EINVAL if there is no such family, or if it is the general family, in which the C library
            /// has its own objects.
            ///
            /// Objects that libraries allocated for themselves within a scope of the family are freed too:
            /// buffers of stdio, locales, a thread's data. So use this only for families that are named
            /// explicitly and never entered as a scope.
            fn fam_free_all(family: fam_family_t) -> c_int = $crate::calls::report::free_all;

            /// Gives at least goal bytes of unused memory back to the system, or all there is. Returns the
            /// number of bytes.
            fn fam_reclaim(goal: usize) -> usize = $crate::calls::lifecycle::reclaim;
            /// Gives all unused memory back to the system. Returns the number of bytes.
            fn fam_flush() -> usize = $crate::calls::lifecycle::flush;
            /// Does what the first allocation would do otherwise. Optional.
            fn fam_initialize() = $crate::calls::lifecycle::initialize;
            /// Gives all unused memory back to the system. Live memory stays valid, and more may be allocated.
            fn fam_finalize() = $crate::calls::lifecycle::finalize;
            /// Creates what the calling thread needs to allocate without a lock. Returns false if no memory
            /// is available for it. Optional.
            fn fam_thread_initialize() -> bool = $crate::calls::lifecycle::thread_initialize;
            /// Leaves all scopes.
            fn fam_thread_reset() = $crate::calls::scopes::reset;
            /// Moves the free slots that the calling thread keeps to where other threads and fam_reclaim can
            /// use them. Call it before the thread waits for long.
            fn fam_thread_collect() = $crate::calls::lifecycle::thread_collect;
            /// Leaves all scopes and gives up everything that the calling thread keeps, as its exit does. The
            /// thread may allocate again.
            fn fam_thread_finalize() = $crate::calls::lifecycle::thread_finalize;
        }
    };
}
