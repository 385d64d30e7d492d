/* realloc keeps the bytes of the smaller of both sizes, over every change between small, large and
   huge, step by step and at random. realloc(NULL, n) is malloc. */
#include "check.h"

static const size_t SIZES[] = {
    1, 2, 7, 8, 9, 15, 16, 17, 24, 32, 33, 48, 64, 65, 100, 128, 200, 256, 257, 500, 512, 1000, 1024, 1025,
    2000, 2048, 3000, 4080, 4096, 4097, 8000, 8192, 10000, 16384, 16385, 30000, 32768, 32769, 50000, 65535, 65536, 65537,
    100000, 131072, 131073, 200000, 262144, 300000, 500000, 524288, 1000000, 1048576, 1048577, 2000000,
    2097152, 2097153, 3000000, 4194304, 4194305, 6000000,
};

static void every_change(void)
{
    for (size_t from = 0; from < COUNT(SIZES); from++) {
        for (size_t to = 0; to < COUNT(SIZES); to++) {
            size_t before = SIZES[from], after = SIZES[to], kept = before < after ? before : after;
            /* The large to the large once in three: they cost. */
            if (before > 400000 && after > 400000 && (from + to) % 3)
                continue;
            char *block = malloc(before);
            char *beside = malloc(before);
            REQUIRE(block && beside);
            fill(block, before, from + to);
            fill(beside, 1, 77);
            block = realloc(block, after);
            REQUIRE(block != NULL);
            CHECKF(intact(block, kept, from + to), "%zu to %zu", before, after);
            CHECKF(malloc_usable_size(block) >= after, "%zu to %zu: %zu", before, after, malloc_usable_size(block));
            CHECKF(aligned_to(block, after >= 16 ? 16 : 8), "%zu to %zu: %p", before, after, block);
            CHECKF(intact(beside, 1, 77), "%zu to %zu", before, after);
            /* All of the new block is the caller's. */
            fill(block, after, to);
            CHECK(intact(block, after, to));
            free(block);
            free(beside);
        }
    }
}

static void a_byte_more_each_time(void)
{
    char *block = realloc(hidden(NULL), 1);
    REQUIRE(block != NULL);
    block[0] = byte_of(3, 0);
    for (size_t size = 2; size <= 20000; size++) {
        block = realloc(block, size);
        REQUIRE(block != NULL);
        if (size % 512 == 0 || size < 300)
            CHECKF(intact(block, size - 1, 3), "size %zu", size);
        block[size - 1] = byte_of(3, size - 1);
    }
    for (size_t size = 20000; size >= 1; size--) {
        block = realloc(block, size);
        REQUIRE(block != NULL);
        if (size % 512 == 0 || size < 300)
            CHECKF(intact(block, size, 3), "size %zu", size);
    }
    free(block);
}

/* Grown by half as vectors are, two side by side so that neither grows in place for ever. */
static void two_vectors(void)
{
    char *one = NULL, *other = NULL;
    size_t size = 0;
    for (size_t next = 16; next < 60 * MIB; next += next / 2) {
        one = realloc(one, next);
        other = realloc(other, next);
        REQUIRE(one && other);
        CHECKF(intact(one, size, 1), "%zu to %zu", size, next);
        CHECKF(intact(other, size, 2), "%zu to %zu", size, next);
        fill(one, next, 1);
        fill(other, next, 2);
        size = next;
    }
    while (size > 1) {
        size_t next = size / 3 + 1;
        if (next == size)
            break;
        one = realloc(one, next);
        other = realloc(other, next);
        REQUIRE(one && other);
        CHECKF(intact(one, next, 1), "%zu to %zu", size, next);
        CHECKF(intact(other, next, 2), "%zu to %zu", size, next);
        size = next;
    }
    free(one);
    free(other);
}

static void *at_random(void *seed)
{
    uint64_t state = (uintptr_t)seed;
    char *blocks[50] = { 0 };
    size_t sizes[50] = { 0 };
    for (int turn = 0; turn < 20000; turn++) {
        size_t at = next_random(&state) % 50, size = random_size(&state);
        size_t kept = sizes[at] < size ? sizes[at] : size;
        char *block = realloc(blocks[at], size);
        REQUIRE(block != NULL);
        CHECKF(intact(block, kept, at), "%zu to %zu", sizes[at], size);
        fill(block, size, at);
        blocks[at] = block;
        sizes[at] = size;
    }
    for (int at = 0; at < 50; at++)
        free(blocks[at]);
    return NULL;
}

/* What one thread allocated, another resizes. */
static void *resize_all(void *blocks)
{
    char **each = (char **)blocks;
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        size_t size = SIZES[at] * 3 / 2 + 1;
        each[at] = realloc(each[at], size);
        REQUIRE(each[at] != NULL);
        CHECKF(intact(each[at], SIZES[at], at), "size %zu", SIZES[at]);
        fill(each[at], size, at + 1);
    }
    return NULL;
}

int main(void)
{
    every_change();
    a_byte_more_each_time();
    two_vectors();
    pthread_t threads[3];
    for (uintptr_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, at_random, (void *)(at + 101)) == 0);
    at_random((void *)5);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);

    char *blocks[COUNT(SIZES)];
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        blocks[at] = malloc(SIZES[at]);
        REQUIRE(blocks[at] != NULL);
        fill(blocks[at], SIZES[at], at);
    }
    REQUIRE(pthread_create(&threads[0], NULL, resize_all, blocks) == 0);
    pthread_join(threads[0], NULL);
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        blocks[at] = realloc(blocks[at], SIZES[at]);
        REQUIRE(blocks[at] != NULL);
        CHECKF(intact(blocks[at], SIZES[at], at + 1), "size %zu", SIZES[at]);
        free(blocks[at]);
    }

    /* Shrinking a large block gives memory back. */
    size_t before = resident_kib();
    enum { MANY = 64 };
    char *shrunk[MANY];
    for (int at = 0; at < MANY; at++) {
        shrunk[at] = malloc(4 * MIB);
        REQUIRE(shrunk[at] != NULL);
        memset(shrunk[at], 1, 4 * MIB);
        shrunk[at] = realloc(shrunk[at], 8 * KIB);
        REQUIRE(shrunk[at] != NULL);
    }
    size_t after = resident_kib();
    CHECKF(after < before + 32 * KIB, "%zu KiB became %zu KiB", before, after);
    for (int at = 0; at < MANY; at++)
        free(shrunk[at]);
    return finish();
}
