/* Sizes of zero. POSIX and C let malloc(0) give NULL or a unique pointer; malloc(3) of Linux says
   unique, and programs rely on it. realloc(p, 0) is what glibc makes it: p is freed and the result
   is NULL (C23 leaves it undefined, POSIX lets both be). */
#include "check.h"

static void *of_malloc(void) { return malloc(amount(0)); }
static void *of_calloc(void) { return calloc(amount(0), amount(0)); }
static void *of_calloc_members(void) { return calloc(amount(0), amount(8)); }
static void *of_calloc_size(void) { return calloc(amount(8), amount(0)); }
static void *of_realloc(void) { return realloc(hidden(NULL), amount(0)); }
static void *of_reallocarray(void) { return reallocarray(hidden(NULL), amount(0), amount(8)); }
static void *of_reallocarray_size(void) { return reallocarray(hidden(NULL), amount(8), amount(0)); }
static void *of_aligned_alloc(void) { return aligned_alloc(16, amount(0)); }
static void *of_aligned_alloc_page(void) { return aligned_alloc(4096, amount(0)); }
static void *of_memalign(void) { return memalign(16, amount(0)); }
static void *of_memalign_page(void) { return memalign(4096, amount(0)); }
static void *of_valloc(void) { return valloc(amount(0)); }
static void *of_pvalloc(void) { return pvalloc(amount(0)); }
static void *of_posix_memalign(void)
{
    void *block = (void *)1;
    int error = posix_memalign(&block, 16, amount(0));
    CHECKF(error == 0, "%d", error);
    return block;
}

static const struct { const char *name; void *(*give)(void); size_t alignment; } GIVERS[] = {
    { "malloc", of_malloc, 1 },
    { "calloc", of_calloc, 1 },
    { "calloc(0, n)", of_calloc_members, 1 },
    { "calloc(n, 0)", of_calloc_size, 1 },
    { "realloc", of_realloc, 1 },
    { "reallocarray(0, n)", of_reallocarray, 1 },
    { "reallocarray(n, 0)", of_reallocarray_size, 1 },
    { "aligned_alloc", of_aligned_alloc, 16 },
    { "aligned_alloc 4096", of_aligned_alloc_page, 4096 },
    { "memalign", of_memalign, 16 },
    { "memalign 4096", of_memalign_page, 4096 },
    { "valloc", of_valloc, 4096 },
    { "pvalloc", of_pvalloc, 4096 },
    { "posix_memalign", of_posix_memalign, 16 },
};

enum { MANY = 500 };
static void *blocks[MANY];

static int by_address(const void *one, const void *other)
{
    uintptr_t a = *(const uintptr_t *)one, b = *(const uintptr_t *)other;
    return a < b ? -1 : a > b;
}

int main(void)
{
    for (size_t giver = 0; giver < COUNT(GIVERS); giver++) {
        for (size_t at = 0; at < MANY; at++) {
            blocks[at] = GIVERS[giver].give();
            CHECKF(blocks[at] != NULL, "%s", GIVERS[giver].name);
            CHECKF(aligned_to(blocks[at], GIVERS[giver].alignment), "%s: %p", GIVERS[giver].name, blocks[at]);
        }
        qsort(blocks, MANY, sizeof blocks[0], by_address);
        for (size_t at = 1; at < MANY; at++)
            CHECKF(blocks[at] != blocks[at - 1], "%s gave %p twice", GIVERS[giver].name, blocks[at]);
        for (size_t at = 0; at < MANY; at++)
            free(blocks[at]);
    }

    /* An empty block grows like any other. */
    char *block = malloc(amount(0));
    block = realloc(block, 100);
    REQUIRE(block != NULL);
    fill(block, 100, 1);
    CHECK(intact(block, 100, 1));

    /* realloc(p, 0) frees. */
    CHECK(realloc(block, amount(0)) == NULL);
    CHECK(reallocarray(malloc(100), amount(0), 8) == NULL);
    CHECK(reallocarray(malloc(100), 8, amount(0)) == NULL);
    CHECK(realloc(malloc(amount(0)), amount(0)) == NULL);
    CHECK(realloc(malloc(8 * MIB), amount(0)) == NULL);
    CHECK(realloc(memalign(4096, 100), amount(0)) == NULL);
    for (int warm = 0; warm < 1000; warm++)
        free(realloc(malloc(100), amount(0)));
    size_t before = resident_kib();
    for (int turn = 0; turn < 1000000; turn++)
        free(realloc(malloc(100), amount(0)));
    for (int turn = 0; turn < 1000; turn++) {
        char *large = malloc(MIB);
        REQUIRE(large != NULL);
        memset(large, 1, MIB);
        free(realloc(large, amount(0)));
    }
    for (int turn = 0; turn < 1000000; turn++)
        free(malloc(amount(0)));
    size_t after = resident_kib();
    CHECKF(after < before + 16 * KIB, "%zu KiB became %zu KiB", before, after);
    return finish();
}
