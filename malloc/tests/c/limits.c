/* Sizes that no object can have: above PTRDIFF_MAX, above the address space, and products that
   overflow. Every function gives NULL with ENOMEM, and a block that could not grow stays whole. */
#include "check.h"

static void *by_malloc(size_t size) { return malloc(size); }
static void *by_calloc(size_t size) { return calloc(1, size); }
static void *by_calloc_members(size_t size) { return calloc(size, 1); }
static void *by_realloc(size_t size) { return realloc(hidden(NULL), size); }
static void *by_reallocarray(size_t size) { return reallocarray(hidden(NULL), 1, size); }
static void *by_aligned_alloc(size_t size) { return aligned_alloc(16, size); }
static void *by_aligned_alloc_page(size_t size) { return aligned_alloc(4096, size); }
static void *by_memalign(size_t size) { return memalign(8, size); }
static void *by_memalign_page(size_t size) { return memalign(4096, size); }
static void *by_memalign_huge(size_t size) { return memalign(4 * MIB, size); }
static void *by_valloc(size_t size) { return valloc(size); }
static void *by_pvalloc(size_t size) { return pvalloc(size); }

static const struct { const char *name; void *(*give)(size_t); } GIVERS[] = {
    { "malloc", by_malloc },
    { "calloc(1, n)", by_calloc },
    { "calloc(n, 1)", by_calloc_members },
    { "realloc(NULL)", by_realloc },
    { "reallocarray(NULL)", by_reallocarray },
    { "aligned_alloc(16)", by_aligned_alloc },
    { "aligned_alloc(4096)", by_aligned_alloc_page },
    { "memalign(8)", by_memalign },
    { "memalign(4096)", by_memalign_page },
    { "memalign(4 MiB)", by_memalign_huge },
    { "valloc", by_valloc },
    { "pvalloc", by_pvalloc },
};

static const size_t IMPOSSIBLE[] = {
    SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7, SIZE_MAX - 8, SIZE_MAX - 15, SIZE_MAX - 16, SIZE_MAX - 63,
    SIZE_MAX - 100, SIZE_MAX - 4094, SIZE_MAX - 4095, SIZE_MAX - 4096, SIZE_MAX - 65536, SIZE_MAX - 2 * MIB,
    SIZE_MAX - 4 * MIB, SIZE_MAX - 64 * MIB, SIZE_MAX / 4 * 3, (size_t)PTRDIFF_MAX + 4096,
    (size_t)PTRDIFF_MAX + 2, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX, PTRDIFF_MAX - 1, PTRDIFF_MAX - 4096,
    (size_t)1 << 62, (size_t)1 << 56, (size_t)1 << 52,
};

/* Members and sizes whose products do not fit; some wrap to small numbers, which is the trap. */
static const struct { size_t members, size; } PRODUCTS[] = {
    { SIZE_MAX, 2 }, { 2, SIZE_MAX }, { SIZE_MAX, SIZE_MAX }, { SIZE_MAX / 2, 3 }, { SIZE_MAX / 8 + 2, 8 },
    { 8, SIZE_MAX / 8 + 2 }, { (size_t)1 << 32, (size_t)1 << 32 }, { ((size_t)1 << 32) + 1, (size_t)1 << 32 },
    { (size_t)1 << 63, 2 }, { (size_t)1 << 62, 4 }, { SIZE_MAX / 16 + 2, 16 }, { SIZE_MAX / 3 + 1, 3 },
    { (size_t)1 << 40, (size_t)1 << 23 }, { PTRDIFF_MAX, 1 }, { 1, (size_t)PTRDIFF_MAX + 1 },
};

static const size_t LIVE[] = { 1, 16, 100, 5000, 70000, 1000000, 40000000 };

int main(void)
{
    for (size_t giver = 0; giver < COUNT(GIVERS); giver++) {
        for (size_t at = 0; at < COUNT(IMPOSSIBLE); at++) {
            errno = 0;
            void *block = GIVERS[giver].give(amount(IMPOSSIBLE[at]));
            CHECKF(block == NULL && errno == ENOMEM, "%s of %zx = %p, errno %d", GIVERS[giver].name, IMPOSSIBLE[at], block, errno);
        }
    }
    for (size_t at = 0; at < COUNT(PRODUCTS); at++) {
        size_t members = PRODUCTS[at].members, size = PRODUCTS[at].size;
        errno = 0;
        void *block = calloc(amount(members), amount(size));
        CHECKF(block == NULL && errno == ENOMEM, "calloc(%zx, %zx) = %p, errno %d", members, size, block, errno);
        errno = 0;
        block = reallocarray(hidden(NULL), amount(members), amount(size));
        CHECKF(block == NULL && errno == ENOMEM, "reallocarray(NULL, %zx, %zx) = %p, errno %d", members, size, block, errno);
    }
    for (size_t live = 0; live < COUNT(LIVE); live++) {
        char *block = malloc(LIVE[live]);
        REQUIRE(block != NULL);
        fill(block, LIVE[live], live);
        for (size_t at = 0; at < COUNT(IMPOSSIBLE); at++) {
            errno = 0;
            CHECKF(realloc(hidden(block), amount(IMPOSSIBLE[at])) == NULL && errno == ENOMEM, "%zu to %zx: errno %d", LIVE[live], IMPOSSIBLE[at], errno);
        }
        for (size_t at = 0; at < COUNT(PRODUCTS); at++) {
            errno = 0;
            CHECKF(reallocarray(hidden(block), amount(PRODUCTS[at].members), amount(PRODUCTS[at].size)) == NULL && errno == ENOMEM,
                   "%zu to %zx * %zx: errno %d", LIVE[live], PRODUCTS[at].members, PRODUCTS[at].size, errno);
        }
        CHECKF(intact(block, LIVE[live], live), "size %zu", LIVE[live]);
        CHECK(malloc_usable_size(block) >= LIVE[live]);
        /* It is still a block like any other. */
        char *grown = realloc(block, LIVE[live] * 2);
        REQUIRE(grown != NULL);
        CHECKF(intact(grown, LIVE[live], live), "size %zu", LIVE[live]);
        free(grown);
    }
    /* And so is the allocator. */
    char *block = reallocarray(NULL, 100, 100);
    REQUIRE(block != NULL);
    fill(block, 10000, 5);
    block = reallocarray(block, 200, 100);
    REQUIRE(block != NULL);
    CHECK(intact(block, 10000, 5));
    free(block);
    return finish();
}
