/* malloc_usable_size: at least what was asked, the same at every call, all of it writable without
   harm to others, kept by realloc; 0 for NULL. */
#include "check.h"

static void one_size(size_t size)
{
    enum { SIDE_BY_SIDE = 5 };
    char *blocks[SIDE_BY_SIDE];
    size_t usable[SIDE_BY_SIDE];
    for (int at = 0; at < SIDE_BY_SIDE; at++) {
        switch (at) {
        case 1: blocks[at] = calloc(1, size); break;
        case 2: blocks[at] = memalign(64, size); break;
        case 3: blocks[at] = realloc(malloc(size / 2 + 1), size ? size : 1); break;
        default: blocks[at] = malloc(size); break;
        }
        REQUIRE(blocks[at] != NULL);
        usable[at] = malloc_usable_size(blocks[at]);
        CHECKF(usable[at] >= size, "size %zu: %zu", size, usable[at]);
        /* No waste that could not be meant: under twice the size and some. */
        CHECKF(usable[at] <= 2 * size + 8192, "size %zu: %zu", size, usable[at]);
        fill(blocks[at], usable[at], size + at);
    }
    for (int at = 0; at < SIDE_BY_SIDE; at++) {
        CHECKF(intact(blocks[at], usable[at], size + at), "size %zu, block %d", size, at);
        CHECKF(malloc_usable_size(blocks[at]) == usable[at], "size %zu, block %d", size, at);
    }
    /* To grow into the usable size, and over it. */
    if (usable[0] > 0) {
        blocks[0] = realloc(blocks[0], usable[0]);
        REQUIRE(blocks[0] != NULL);
        CHECKF(intact(blocks[0], usable[0], size), "size %zu", size);
        CHECK(malloc_usable_size(blocks[0]) >= usable[0]);
        blocks[0] = realloc(blocks[0], usable[0] + 1);
        REQUIRE(blocks[0] != NULL);
        CHECKF(intact(blocks[0], usable[0], size), "size %zu", size);
        CHECK(malloc_usable_size(blocks[0]) > usable[0]);
    }
    for (int at = 0; at < SIDE_BY_SIDE; at++)
        free(blocks[at]);
}

int main(void)
{
    CHECK(malloc_usable_size(hidden(NULL)) == 0);
    for (size_t size = 0; size <= 2100; size++)
        one_size(size);
    for (size_t size = 2100; size < 12 * MIB; size += size / 8)
        one_size(size);
    for (size_t power = 16; power <= 8 * MIB; power *= 2) {
        one_size(power - 1);
        one_size(power);
        one_size(power + 1);
    }
    return finish();
}
