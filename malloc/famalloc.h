/*
 * famalloc.h: malloc with families.
 *
 * A family names a lifetime: the nodes of a parser, the session of a server. Allocations of one family
 * share no block with those of another. So objects that live and die together are adjacent in memory,
 * and their memory is returned as whole blocks. In a program that is linked to libfamalloc, or started
 * with it in LD_PRELOAD, malloc, free and the related functions of the C library are those of
 * libfamalloc; <stdlib.h> and <malloc.h> declare them.
 *
 * Functions that return an int return 0 or an error number, unless their description says otherwise.
 * Functions that return a pointer return NULL and set errno to ENOMEM if no memory is available.
 */
#ifndef FAMALLOC_H
#define FAMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FAM_ATTRIBUTE(list) __attribute__(list)
#else
#define FAM_ATTRIBUTE(list)
#endif

#ifdef __cplusplus
#define FAM_NOEXCEPT noexcept
extern "C" {
#else
#define FAM_NOEXCEPT
#endif

/* The number of a family. */
typedef uint32_t fam_family_t;
/* A region: an arena of one family. */
typedef struct fam_region fam_region_t;
/* Called with the address and size of an object, and the context that the caller passed. */
typedef void (*fam_visit_t)(void *object, size_t size, void *context);

/* The general family of libfamalloc: all memory goes here that names no family. A set of your own
   may use another one: fam_family("its name"). */
#define FAM_GENERAL UINT32_C(0)
/* No family. */
#define FAM_NONE UINT32_C(4294967295)
/* Kinds of allocations. A slot of a size class. */
#define FAM_SLOT UINT32_C(0)
/* An allocation with 64 KiB granules of its own. */
#define FAM_LARGE UINT32_C(1)
/* An allocation with 2 MiB extents of its own. */
#define FAM_HUGE UINT32_C(2)
/* A chunk of a region. Only the region knows its objects. */
#define FAM_REGION UINT32_C(3)

/* What an address is. */
typedef struct fam_query {
    /* The family; FAM_NONE for a family of another set, which a part of the program in Rust may have. */
    fam_family_t family;
    /* FAM_SLOT, FAM_LARGE, FAM_HUGE or FAM_REGION. */
    uint32_t kind;
    /* The start of the slot, allocation or chunk. */
    void *start;
    /* Its usable bytes. */
    size_t size;
    /* The distance of the address from the start in bytes. */
    size_t offset;
    /* The block of a slot; otherwise the start. */
    void *block;
    /* The size of that block in bytes; otherwise the size above. */
    size_t block_size;
} fam_query_t;

/* What a family uses. */
typedef struct fam_stats {
    /* Objects that are allocated and not freed, large ones included. */
    size_t live_objects;
    /* Their bytes, in whole slots and pages. */
    size_t live_bytes;
    /* The sum of the peaks of all size classes in bytes: an upper bound of the peak of live_bytes. */
    size_t peak_bytes;
    /* The large ones among the live objects. */
    size_t large_objects;
    /* Their bytes. */
    size_t large_bytes;
    /* Blocks, in use or empty. */
    size_t blocks;
    /* The bytes of the chunks of all regions, used or not. */
    size_t region_bytes;
    /* The bytes of blocks, large objects and regions. */
    size_t committed_bytes;
    /* The peak of committed_bytes. */
    size_t peak_committed_bytes;
    /* The most that committed_bytes may be; SIZE_MAX if there is no limit. */
    size_t limit_bytes;
} fam_stats_t;

/* What a region uses. */
typedef struct fam_region_stats {
    /* Chunks, in use or kept for later use. */
    size_t chunks;
    /* Their bytes. */
    size_t committed_bytes;
    /* Allocated and not freed bytes, in whole words of 8 bytes, with gaps for alignment. */
    size_t live_bytes;
    /* Bytes of objects that were freed one by one and can be used again. */
    size_t free_bytes;
} fam_region_stats_t;

/* A state of a region, for fam_region_rewind. */
typedef struct fam_region_mark {
    /* Private to the region. */
    size_t opaque[8];
} fam_region_mark_t;

/* ---- Families ---------------------------------------------------------------------------------- */

/* Returns the family with this name. If no family has it, the next unnamed family takes it and
   keeps it for good. So all callers that ask for "parser" share one family and need not know of
   each other.

   Returns FAM_NONE and sets errno: ENOSPC if every family has another name, EINVAL if name is
   NULL or empty, ENOMEM if no memory is available. */
fam_family_t fam_family(const char *name) FAM_NOEXCEPT;

/* Returns the name of a family, or NULL if the family has no name or does not exist. */
const char *fam_family_name(fam_family_t family) FAM_NOEXCEPT;

/* Returns the number of families, named and unnamed. Families are numbered from 0. */
uint32_t fam_family_count(void) FAM_NOEXCEPT;

/* ---- Memory of a family ------------------------------------------------------------------------ */

/* malloc in a family; ignores the scope of the thread. Returns NULL and sets errno to ENOMEM, or
   to EINVAL if there is no such family. */
void *fam_malloc(fam_family_t family, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2), __warn_unused_result__));

/* calloc in a family. */
void *fam_calloc(fam_family_t family, size_t count, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2, 3), __warn_unused_result__));

/* aligned_alloc in a family: size bytes at a multiple of align. Sets errno to EINVAL if align is
   not a power of two. */
void *fam_aligned_alloc(fam_family_t family, size_t align, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_align__(2), __alloc_size__(3), __warn_unused_result__));

/* strdup in a family. */
char *fam_strdup(fam_family_t family, const char *text) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __nonnull__(2), __warn_unused_result__));

/* ---- Memory of any family, and of malloc ------------------------------------------------------- */

/* realloc. The memory stays in its family, even if it moves. If start is NULL: malloc in the
   scope of the thread. */
void *fam_realloc(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* realloc that need not keep the contents: if the memory moves, nothing is copied. */
void *fam_realloc_discard(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* realloc of memory that was requested with old_size bytes; all bytes after those are zero. */
void *fam_realloc_zeroed(void *start, size_t old_size, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(3), __warn_unused_result__));

/* Resizes the memory in place: grows it to at least size bytes, or shrinks it. Returns start, or
   NULL if it cannot; then nothing has changed, errno included. Use the returned pointer from
   then on: compilers learn the new size only from it, and _FORTIFY_SOURCE relies on what they
   know. */
void *fam_try_resize(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* free. Takes any pointer that these functions or malloc returned. */
void fam_free(void *start) FAM_NOEXCEPT;

/* free_sized: size is the size that was requested. */
void fam_free_sized(void *start, size_t size) FAM_NOEXCEPT;

/* free_aligned_sized: align and size are those that were requested. */
void fam_free_aligned_sized(void *start, size_t align, size_t size) FAM_NOEXCEPT;

/* Returns the number of usable bytes at start; 0 for NULL. */
size_t fam_usable_size(void *start) FAM_NOEXCEPT;

/* ---- Scopes ------------------------------------------------------------------------------------ */

/* Makes family the scope of the calling thread: from now on, whatever the thread allocates
   without naming a family goes there, through malloc, operator new, strdup and everything that
   uses them. Scopes nest. Returns the previous family, which fam_scope_leave needs. If there is
   no such family, returns FAM_NONE, sets errno to EINVAL and keeps the scope. */
fam_family_t fam_scope_enter(fam_family_t family) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__warn_unused_result__));

/* Ends a scope. before is what fam_scope_enter returned; FAM_NONE changes nothing. */
void fam_scope_leave(fam_family_t before) FAM_NOEXCEPT;

/* Returns the family in which the calling thread allocates when it names none. */
fam_family_t fam_scope_current(void) FAM_NOEXCEPT;

/* ---- Regions ----------------------------------------------------------------------------------- */

/* Creates a region of a family: an arena that is filled from the front and freed as a whole.
   Returns NULL and sets errno: EINVAL if there is no such family, ENOMEM if no memory is
   available. The region takes memory for objects only when it has some.

   Only one thread at a time may use a region. */
fam_region_t *fam_region_new(fam_family_t family) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__warn_unused_result__));

/* Frees a region and everything in it. Does nothing if region is NULL. */
void fam_region_delete(fam_region_t *region) FAM_NOEXCEPT;

/* Allocates size bytes in the region, aligned as by malloc. They are valid until the region is
   reset, rewound or deleted. Returns NULL and sets errno to ENOMEM if no memory is available. */
void *fam_region_alloc(fam_region_t *region, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2), __nonnull__(1), __warn_unused_result__));

/* Allocates count objects of size bytes, all zero. */
void *fam_region_calloc(fam_region_t *region, size_t count, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2, 3), __nonnull__(1), __warn_unused_result__));

/* Allocates size bytes at a multiple of align. Sets errno to EINVAL if align is not a power of
   two. */
void *fam_region_aligned_alloc(fam_region_t *region, size_t align, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_align__(2), __alloc_size__(3), __nonnull__(1), __warn_unused_result__));

/* Copies a string into the region. */
char *fam_region_strdup(fam_region_t *region, const char *text) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __nonnull__(1, 2), __warn_unused_result__));

/* Resizes an object, last requested with old_size bytes, to size bytes. The latest object grows
   in place; others may move. The result is aligned as by malloc only. */
void *fam_region_realloc(fam_region_t *region, void *start, size_t old_size, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(4), __nonnull__(1), __warn_unused_result__));

/* Frees one object, last requested with size bytes. Optional: the region frees its memory in any
   case. */
void fam_region_free(fam_region_t *region, void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Frees everything in the region. The region keeps its largest chunk for later use. */
void fam_region_reset(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Returns the present state of the region, for fam_region_rewind. */
fam_region_mark_t fam_region_mark(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1), __warn_unused_result__));

/* Frees everything that was allocated since the mark was made. Rewind to marks, or forget them,
   in reverse order, and to each at most once. A reset forgets all marks. */
void fam_region_rewind(fam_region_t *region, fam_region_mark_t mark) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Tells whether an address is in one of the region's chunks. Any address may be passed. */
bool fam_region_owns(fam_region_t *region, const void *address) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Returns the family of the region. */
fam_family_t fam_region_family(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Returns the size of the region's chunks in bytes. */
size_t fam_region_bytes(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Writes what the region uses to *out. */
void fam_region_stats(fam_region_t *region, fam_region_stats_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1, 2)));

/* Returns the most bytes that the region's chunks may have; SIZE_MAX if only the family's limit
   applies. */
size_t fam_region_limit(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Sets the limit of the region. Existing chunks stay. Chunks are multiples of 64 KiB. */
void fam_region_set_limit(fam_region_t *region, size_t bytes) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Gives the empty chunks of the region back to the family. Returns their size in bytes. */
size_t fam_region_shrink(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* ---- Statistics and queries -------------------------------------------------------------------- */

/* Describes an address in *out, without touching the memory there. Any address may be passed.
   Returns false if nothing is allocated there; then *out is unchanged. */
bool fam_query(const void *address, fam_query_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(2)));

/* Writes what a family uses to *out. Returns 0, or EINVAL if there is no such family. */
int fam_stats(fam_family_t family, fam_stats_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(2)));

/* Checks the integrity of the heap. Returns 0 and makes message empty, or returns -1 and writes
   a description of the damage to message, a string of less than room bytes. */
int fam_check(char *message, size_t room) FAM_NOEXCEPT;

/* Calls visit with every live object of a family in address order, huge objects last. Skips
   objects in regions. Returns 0; or EBUSY if another thread has used the family and still runs;
   or EINVAL if there is no such family or visit is NULL. On an error nothing is visited.

   visit may allocate and free. If it does so in this family, later addresses may be those of
   free slots. */
int fam_walk(fam_family_t family, fam_visit_t visit, void *context);

/* Frees all objects of a family at once, except those in regions. None of them may be used
   again, and no other thread may use the family meanwhile. Returns 0; or EBUSY as for fam_walk;
   or EINVAL if there is no such family, or if it is the general family, in which the C library
   has its own objects.

   Objects that libraries allocated for themselves within a scope of the family are freed too:
   buffers of stdio, locales, a thread's data. So use this only for families that are named
   explicitly and never entered as a scope. */
int fam_free_all(fam_family_t family) FAM_NOEXCEPT;

/* ---- Returning memory to the system ------------------------------------------------------------ */

/* Gives at least goal bytes of unused memory back to the system, or all there is. Returns the
   number of bytes. */
size_t fam_reclaim(size_t goal) FAM_NOEXCEPT;

/* Gives all unused memory back to the system. Returns the number of bytes. */
size_t fam_flush(void) FAM_NOEXCEPT;

/* ---- Optional setup and teardown, for embedders ------------------------------------------------ */

/* Does what the first allocation would do otherwise. Optional. */
void fam_initialize(void) FAM_NOEXCEPT;

/* Gives all unused memory back to the system. Live memory stays valid, and more may be allocated. */
void fam_finalize(void) FAM_NOEXCEPT;

/* Creates what the calling thread needs to allocate without a lock. Returns false if no memory
   is available for it. Optional. */
bool fam_thread_initialize(void) FAM_NOEXCEPT;

/* Leaves all scopes. */
void fam_thread_reset(void) FAM_NOEXCEPT;

/* Moves the free slots that the calling thread keeps to where other threads and fam_reclaim can
   use them. Call it before the thread waits for long. */
void fam_thread_collect(void) FAM_NOEXCEPT;

/* Leaves all scopes and gives up everything that the calling thread keeps, as its exit does. The
   thread may allocate again. */
void fam_thread_finalize(void) FAM_NOEXCEPT;

#ifdef __cplusplus
} /* extern "C" */

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace fam {

/* A scope for the lifetime of this object: its thread allocates in this family when it names none. */
class scope {
public:
    explicit scope(fam_family_t family) noexcept : before(fam_scope_enter(family)) {}
    ~scope() { fam_scope_leave(before); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

private:
    fam_family_t before;
};

/* An allocator that puts the elements of a container into a family. All allocators are equal, since each
 * can free what another has allocated. Memory stays in its family when its owner changes. */
template <class T> class allocator {
public:
    using value_type = T;
    using is_always_equal = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;

    explicit allocator(fam_family_t family) noexcept : number(family) {}
    template <class U> allocator(const allocator<U> &other) noexcept : number(other.family()) {}

    T *allocate(std::size_t count) {
        void *start = nullptr;
        if (count <= std::numeric_limits<std::size_t>::max() / sizeof(T)) {
            start = alignof(T) > alignof(std::max_align_t)
                        ? fam_aligned_alloc(number, alignof(T), count * sizeof(T))
                        : fam_malloc(number, count * sizeof(T));
        }
        if (start == nullptr) {
#if defined(__cpp_exceptions)
            throw std::bad_alloc();
#else
            std::abort();
#endif
        }
        return static_cast<T *>(start);
    }
    void deallocate(T *start, std::size_t) noexcept { fam_free(start); }
    fam_family_t family() const noexcept { return number; }

private:
    fam_family_t number;
};

template <class T, class U>
bool operator==(const allocator<T> &, const allocator<U> &) noexcept {
    return true;
}
template <class T, class U>
bool operator!=(const allocator<T> &, const allocator<U> &) noexcept {
    return false;
}

} /* namespace fam */
#endif

#endif
