/*
 * famalloc.h: malloc with families.
 *
 * A family names a lifetime: the nodes of a parser, the session of a server. What is allocated in one
 * shares no block with any other, so what lives and dies together lies together, and its memory goes
 * back whole. malloc, free and all the others of the C library are those of libfamalloc where a program
 * is linked to it, or started with it in LD_PRELOAD; their declarations are in <stdlib.h> and <malloc.h>.
 *
 * Functions that return an int return 0 or an error number, unless their description says otherwise.
 * Those that return a pointer return NULL where there is no memory, and set errno.
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

/* A family, by its number. */
typedef uint32_t fam_family_t;
/* A region: an arena, whose memory is a family's. */
typedef struct fam_region fam_region_t;
/* Called with an object's address and size, and what was passed on for it. */
typedef void (*fam_visit_t)(void *object, size_t size, void *context);

/* The family of libfamalloc where everything goes that names none. In a set of one's own it may be
   another: fam_family("its name"). */
#define FAM_GENERAL UINT32_C(0)
/* No family. */
#define FAM_NONE UINT32_C(4294967295)
/* Kinds of allocations: a slot of a size class. */
#define FAM_SLOT UINT32_C(0)
/* An allocation that has 64 KiB granules of its own. */
#define FAM_LARGE UINT32_C(1)
/* An allocation that has 2 MiB extents of its own. */
#define FAM_HUGE UINT32_C(2)
/* A chunk of a region: what lies where in it is the region's affair. */
#define FAM_REGION UINT32_C(3)

/* What an address is. */
typedef struct fam_query {
    /* The family; FAM_NONE for one of another set, which a part of the program in Rust may have. */
    fam_family_t family;
    /* FAM_SLOT, FAM_LARGE, FAM_HUGE or FAM_REGION. */
    uint32_t kind;
    /* The start of the slot, allocation or chunk. */
    void *start;
    /* How many bytes of it can be used. */
    size_t size;
    /* How far behind the start the address lies. */
    size_t offset;
    /* The block that a slot is in; otherwise the start. */
    void *block;
    /* The bytes of the block; otherwise the size. */
    size_t block_size;
} fam_query_t;

/* What a family uses. */
typedef struct fam_stats {
    /* Objects in the program's hands, large ones included. */
    size_t live_objects;
    /* Their bytes, as slots and pages. */
    size_t live_bytes;
    /* The sum of what each size class ever had at once: at least what was ever live at once. */
    size_t peak_bytes;
    /* The large ones among the live objects. */
    size_t large_objects;
    /* Their bytes. */
    size_t large_bytes;
    /* Blocks, in use or empty. */
    size_t blocks;
    /* The bytes of all regions' chunks, whatever is in them. */
    size_t region_bytes;
    /* The bytes of blocks, large objects and regions. */
    size_t committed_bytes;
    /* The most that those ever were. */
    size_t peak_committed_bytes;
    /* The most that they may be; SIZE_MAX if there is no limit. */
    size_t limit_bytes;
} fam_stats_t;

/* What a region uses. */
typedef struct fam_region_stats {
    /* Chunks, in use or kept for the next time. */
    size_t chunks;
    /* Their bytes. */
    size_t committed_bytes;
    /* What was allocated and not freed, in whole words of 8 bytes, with gaps for alignment. */
    size_t live_bytes;
    /* What was freed by itself, and waits to be used again. */
    size_t free_bytes;
} fam_region_stats_t;

/* A state of a region to go back to. */
typedef struct fam_region_mark {
    /* The region's affair. */
    size_t opaque[8];
} fam_region_mark_t;

/* ---- Families ---------------------------------------------------------------------------------- */

/* The family of a name. A name that no family has is given to the next that has none, and stays
   with it for good: so all who ask for "parser" share a family, and need not know of each other.

   FAM_NONE with errno ENOSPC where all families have other names, EINVAL for no name, ENOMEM. */
fam_family_t fam_family(const char *name) FAM_NOEXCEPT;

/* The name of a family; NULL if it has none, or there is no such family. */
const char *fam_family_name(fam_family_t family) FAM_NOEXCEPT;

/* How many families there are, with and without a name. They are numbered from 0. */
uint32_t fam_family_count(void) FAM_NOEXCEPT;

/* ---- Memory of a family ------------------------------------------------------------------------ */

/* malloc in a family, whatever scope the thread is in. NULL with errno ENOMEM, or EINVAL where
   there is no such family. */
void *fam_malloc(fam_family_t family, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2), __warn_unused_result__));

/* calloc in a family. */
void *fam_calloc(fam_family_t family, size_t count, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2, 3), __warn_unused_result__));

/* aligned_alloc in a family: size bytes at a multiple of align, a power of two; otherwise
   EINVAL. */
void *fam_aligned_alloc(fam_family_t family, size_t align, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_align__(2), __alloc_size__(3), __warn_unused_result__));

/* strdup in a family. */
char *fam_strdup(fam_family_t family, const char *text) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __nonnull__(2), __warn_unused_result__));

/* ---- Memory of any family, that of malloc too -------------------------------------------------- */

/* realloc: what is there stays in its family, wherever it goes. NULL is malloc in the thread's
   scope. */
void *fam_realloc(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* realloc that need not keep the contents: where it moves, nothing is copied. */
void *fam_realloc_discard(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* realloc of what was asked for with old_size bytes; all bytes behind those are zero. */
void *fam_realloc_zeroed(void *start, size_t old_size, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(3), __warn_unused_result__));

/* Makes it at least so large where it is, or smaller, and returns its start; or returns NULL,
   and nothing has changed, errno included. Use the returned pointer from then on: it is by that
   alone that compilers know of the new size, and _FORTIFY_SOURCE goes by what they know. */
void *fam_try_resize(void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(2), __warn_unused_result__));

/* free: takes what any of these functions returned, and what malloc did. */
void fam_free(void *start) FAM_NOEXCEPT;

/* free for who knows the size that was asked for. */
void fam_free_sized(void *start, size_t size) FAM_NOEXCEPT;

/* free for who knows the size and the alignment that were asked for. */
void fam_free_aligned_sized(void *start, size_t align, size_t size) FAM_NOEXCEPT;

/* How many bytes of it can be used; 0 for NULL. */
size_t fam_usable_size(void *start) FAM_NOEXCEPT;

/* ---- Scopes ------------------------------------------------------------------------------------ */

/* From now on, what the calling thread allocates without naming a family goes to this one:
   malloc, operator new, strdup, and whatever uses them. Returns the family before, for
   fam_scope_leave; scopes nest. FAM_NONE with errno EINVAL where there is no such family; the
   scope is as it was then. */
fam_family_t fam_scope_enter(fam_family_t family) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__warn_unused_result__));

/* Ends a scope: before is what fam_scope_enter returned. FAM_NONE changes nothing. */
void fam_scope_leave(fam_family_t before) FAM_NOEXCEPT;

/* The family in which the calling thread allocates where it names none. */
fam_family_t fam_scope_current(void) FAM_NOEXCEPT;

/* ---- Regions ----------------------------------------------------------------------------------- */

/* A region of a family: an arena, which is filled from the front, and given up at once. NULL
   with errno EINVAL where there is no such family, ENOMEM. It takes no memory for its objects
   before there are some.

   One thread at a time uses a region. */
fam_region_t *fam_region_new(fam_family_t family) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__warn_unused_result__));

/* Gives up a region and everything in it. NULL is let be. */
void fam_region_delete(fam_region_t *region) FAM_NOEXCEPT;

/* size bytes in the region, aligned as by malloc, until it is reset, rewound or deleted. NULL
   with errno ENOMEM. */
void *fam_region_alloc(fam_region_t *region, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2), __nonnull__(1), __warn_unused_result__));

/* count objects of size bytes, all zero. */
void *fam_region_calloc(fam_region_t *region, size_t count, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_size__(2, 3), __nonnull__(1), __warn_unused_result__));

/* size bytes at a multiple of align, a power of two; otherwise EINVAL. */
void *fam_region_aligned_alloc(fam_region_t *region, size_t align, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __alloc_align__(2), __alloc_size__(3), __nonnull__(1), __warn_unused_result__));

/* A copy of a string. */
char *fam_region_strdup(fam_region_t *region, const char *text) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__malloc__, __nonnull__(1, 2), __warn_unused_result__));

/* Makes what was last asked for with old_size bytes size bytes long, elsewhere if it must be,
   but aligned as by malloc alone. The latest object grows where it is. */
void *fam_region_realloc(fam_region_t *region, void *start, size_t old_size, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__alloc_size__(4), __nonnull__(1), __warn_unused_result__));

/* Frees one object, which was last asked for with size bytes. No need: its memory goes with
   the region in any case. */
void fam_region_free(fam_region_t *region, void *start, size_t size) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Gives up everything in the region, which keeps its largest chunk for what comes next. */
void fam_region_reset(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* The present state, to go back to. */
fam_region_mark_t fam_region_mark(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1), __warn_unused_result__));

/* Gives up everything that was allocated since the mark was made. Marks are gone back to, or
   forgotten, the latest first, and each once; a reset forgets all. */
void fam_region_rewind(fam_region_t *region, fam_region_mark_t mark) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Whether an address, any at all, lies in the region's chunks. */
bool fam_region_owns(fam_region_t *region, const void *address) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* The family of the region. */
fam_family_t fam_region_family(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* The bytes of its chunks. */
size_t fam_region_bytes(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* What it uses. */
void fam_region_stats(fam_region_t *region, fam_region_stats_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1, 2)));

/* The most bytes that its chunks may have; SIZE_MAX if there is no limit but the family's. */
size_t fam_region_limit(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Changes the limit. What is there already stays. Chunks are multiples of 64 KiB. */
void fam_region_set_limit(fam_region_t *region, size_t bytes) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* Gives chunks without anything in them back to the family. Returns their bytes. */
size_t fam_region_shrink(fam_region_t *region) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(1)));

/* ---- What there is ----------------------------------------------------------------------------- */

/* What an address is, any address at all, without touching it. false where it is nothing that
   was handed out; *out is left alone then. */
bool fam_query(const void *address, fam_query_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(2)));

/* What a family uses. 0, or EINVAL where there is no such family. */
int fam_stats(fam_family_t family, fam_stats_t *out) FAM_NOEXCEPT
    FAM_ATTRIBUTE((__nonnull__(2)));

/* Whether everything is whole: 0, or -1 with what is wrong in message, a string of less than
   room bytes. (An empty one, if nothing is.) */
int fam_check(char *message, size_t room) FAM_NOEXCEPT;

/* Calls visit with every live object of a family, in address order, huge ones last, but not
   with what lies in regions. 0; EBUSY where another thread has used the family and still runs,
   EINVAL where there is no such family, or no function: then nothing was visited.

   visit may allocate and free. If it does so in this family, addresses of free slots may be among
   those that follow. */
int fam_walk(fam_family_t family, fam_visit_t visit, void *context);

/* Frees all objects of a family at once, but for what lies in regions: none of them is used
   again, and no other thread uses the family meanwhile. 0; EBUSY as fam_walk, EINVAL where there
   is no such family, and for the general one, in which the C library has its own.

   What libraries allocate for themselves within a scope of the family is among what is freed:
   buffers of stdio, locales, a thread's data. So this is for families that are only named, and
   never entered as a scope. */
int fam_free_all(fam_family_t family) FAM_NOEXCEPT;

/* ---- Giving memory back ------------------------------------------------------------------------ */

/* Gives at least so many bytes of unused memory back to the system, or all there is. Returns
   how many went. */
size_t fam_reclaim(size_t goal) FAM_NOEXCEPT;

/* Gives all unused memory back to the system. Returns how many bytes went. */
size_t fam_flush(void) FAM_NOEXCEPT;

/* ---- Beginnings and ends, for those who know when that is -------------------------------------- */

/* Does what the first allocation would otherwise do. No need. */
void fam_initialize(void) FAM_NOEXCEPT;

/* Gives back all that can be: what is live stays valid, and there may be more. */
void fam_finalize(void) FAM_NOEXCEPT;

/* Makes what the calling thread needs to allocate without a lock; false where it cannot be had.
   No need. */
bool fam_thread_initialize(void) FAM_NOEXCEPT;

/* Leaves all scopes. */
void fam_thread_reset(void) FAM_NOEXCEPT;

/* Puts what the calling thread keeps for its next allocations where others, and fam_reclaim,
   can have it: before it waits for long. */
void fam_thread_collect(void) FAM_NOEXCEPT;

/* Leaves all scopes, and gives back all that the calling thread keeps, as its end does. It may
   allocate again. */
void fam_thread_finalize(void) FAM_NOEXCEPT;

#ifdef __cplusplus
} /* extern "C" */

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace fam {

/* A scope, until it ends: what its thread allocates without naming a family goes to this one. */
class scope {
public:
    explicit scope(fam_family_t family) noexcept : before(fam_scope_enter(family)) {}
    ~scope() { fam_scope_leave(before); }
    scope(const scope &) = delete;
    scope &operator=(const scope &) = delete;

private:
    fam_family_t before;
};

/* An allocator for containers, whose elements it puts into a family. All of them are equal, for each can
 * free what another has allocated: memory stays in its family when it changes hands. */
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
