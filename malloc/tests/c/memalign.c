/* memalign, aligned_alloc and posix_memalign over alignments 1 byte to 16 MiB and all kinds of
   sizes: aligned, whole, distinct, and free, realloc and malloc_usable_size take what they give. */
#include "check.h"

static void *by_memalign(size_t alignment, size_t size) { return memalign(alignment, size); }
static void *by_aligned_alloc(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }
static void *by_posix_memalign(size_t alignment, size_t size)
{
    void *block = NULL;
    int error = posix_memalign(&block, alignment < sizeof(void *) ? sizeof(void *) : alignment, size);
    CHECKF(error == 0, "%d", error);
    return block;
}

static void *(*const GIVERS[])(size_t, size_t) = { by_memalign, by_aligned_alloc, by_posix_memalign };

static const size_t SIZES[] = {
    0, 1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 33, 63, 64, 65, 100, 128, 500, 1000, 1024, 2047, 4095, 4096,
    4097, 8192, 10000, 16383, 32769, 65536, 65537, 100000, 131072, 1000000, 2097151, 2097152, 5000000,
};

int main(void)
{
    for (size_t giver = 0; giver < COUNT(GIVERS); giver++) {
        for (size_t alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
            char *blocks[COUNT(SIZES)][2];
            for (size_t at = 0; at < COUNT(SIZES); at++) {
                for (int two = 0; two < 2; two++) {
                    size_t size = SIZES[at], seed = 2 * at + two;
                    char *block = blocks[at][two] = GIVERS[giver](alignment, size);
                    REQUIRE(block != NULL);
                    CHECKF(aligned_to(block, alignment), "giver %zu, alignment %zu, size %zu: %p", giver, alignment, size, block);
                    CHECKF(malloc_usable_size(block) >= size, "giver %zu, alignment %zu, size %zu", giver, alignment, size);
                    fill(block, size, seed);
                }
            }
            for (size_t at = 0; at < COUNT(SIZES); at++) {
                size_t size = SIZES[at];
                for (int two = 0; two < 2; two++)
                    CHECKF(intact(blocks[at][two], size, 2 * at + two), "giver %zu, alignment %zu, size %zu", giver, alignment, size);
                /* A block that is aligned more than its size says grows and shrinks as others do.
                   It may lose its alignment, not its bytes. */
                char *grown = realloc(blocks[at][1], size + size / 2 + 1);
                REQUIRE(grown != NULL);
                CHECKF(intact(grown, size, 2 * at + 1), "giver %zu, alignment %zu, size %zu", giver, alignment, size);
                char *shrunk = realloc(grown, size / 2 + 1);
                REQUIRE(shrunk != NULL);
                CHECKF(intact(shrunk, size < size / 2 + 1 ? size : size / 2 + 1, 2 * at + 1), "giver %zu, alignment %zu, size %zu", giver, alignment, size);
                free(shrunk);
                free(blocks[at][0]);
            }
        }
    }
    /* The room before an aligned block comes back: with nothing live, many in a row cost no more. */
    for (int turn = 0; turn < 200; turn++)
        free(memalign(2 * MIB, 100));
    size_t before = resident_kib();
    for (int turn = 0; turn < 20000; turn++) {
        char *block = memalign((size_t)64 << (turn % 12), 100 + turn % 5000);
        REQUIRE(block != NULL);
        memset(block, 1, 100);
        free(block);
    }
    size_t after = resident_kib();
    CHECKF(after < before + 32 * KIB, "%zu KiB became %zu KiB", before, after);
    return finish();
}
