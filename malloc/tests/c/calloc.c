/* calloc's bytes are zero: fresh memory and used, all sizes, all ways by which used memory comes
   back (free, a thread's end, realloc that shrinks or moves, aligned blocks, a trim between). */
#include "check.h"

static void *zeroed(size_t members, size_t size)
{
    void *block = calloc(members, size);
    REQUIRE(block != NULL);
    CHECKF(all_bytes(block, members * size, 0), "calloc(%zu, %zu)", members, size);
    return block;
}

static void all_sizes(void)
{
    for (size_t size = 1; size <= 3000; size++)
        free(memset(zeroed(1, size), 0xA5, size));
    for (size_t size = 3000; size < 30 * MIB; size += size / 9)
        free(memset(zeroed(size, 1), 0xA5, size));
    for (size_t power = 1; power <= 16 * MIB; power *= 2) {
        free(memset(zeroed(2, power / 2 + 1), 0xA5, power));
        free(memset(zeroed(1, power), 0xA5, power));
        free(memset(zeroed(power + 1, 1), 0xA5, power));
    }
}

/* Every size class full of dirt, freed, and asked for zeroes. */
static void after_dirt(size_t size, size_t many, char **blocks)
{
    for (int turn = 0; turn < 3; turn++) {
        for (size_t at = 0; at < many; at++) {
            blocks[at] = malloc(size);
            REQUIRE(blocks[at] != NULL);
            memset(blocks[at], 0xFF, malloc_usable_size(blocks[at]));
        }
        for (size_t at = 0; at < many; at++)
            free(blocks[turn == 1 ? many - 1 - at : at]);
        if (turn == 2)
            malloc_trim(0);
        for (size_t at = 0; at < many; at++)
            blocks[at] = memset(zeroed(1, size), 0xFF, size);
        for (size_t at = 0; at < many; at += 2)
            free(blocks[at]);
        for (size_t at = 0; at < many; at += 2)
            free(zeroed(size, 1));
        for (size_t at = 1; at < many; at += 2)
            free(blocks[at]);
    }
}

static void *leave_dirt(void *unused)
{
    enum { MANY = 2000 };
    static __thread char *blocks[MANY];
    uint64_t state = 7;
    for (size_t at = 0; at < MANY; at++) {
        size_t size = random_size(&state) % (64 * KIB) + 1;
        blocks[at] = malloc(size);
        REQUIRE(blocks[at] != NULL);
        memset(blocks[at], 0xEE, size);
    }
    for (size_t at = 0; at < MANY; at++)
        free(blocks[at]);
    return unused;
}

static void *all_sizes_in_thread(void *unused)
{
    all_sizes();
    return unused;
}

int main(void)
{
    static char *blocks[20000];
    all_sizes();
    all_sizes();
    for (size_t size = 1; size <= 40000; size += size / 5 + 1)
        after_dirt(size, 2 * MIB / size < 8 ? 8 : 2 * MIB / size > COUNT(blocks) ? COUNT(blocks) : 2 * MIB / size, blocks);
    for (size_t size = 50000; size <= 9 * MIB; size += size / 3)
        after_dirt(size, 6, blocks);

    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, leave_dirt, NULL) == 0);
    pthread_join(thread, NULL);
    all_sizes();
    leave_dirt(NULL);
    REQUIRE(pthread_create(&thread, NULL, all_sizes_in_thread, NULL) == 0);
    pthread_join(thread, NULL);

    /* What realloc gave up. */
    for (size_t size = 16; size < 20 * MIB; size = size * 5 / 2) {
        char *block = malloc(size);
        REQUIRE(block != NULL);
        memset(block, 0xDD, size);
        block = realloc(block, size / 3);
        char *zero = zeroed(1, size - size / 3);
        REQUIRE(block != NULL);
        memset(zero, 0xDD, size - size / 3);
        block = realloc(block, size * 2);
        REQUIRE(block != NULL);
        memset(block, 0xDD, size * 2);
        free(zero);
        free(zeroed(1, size));
        free(block);
        free(zeroed(2, size));
    }
    /* What surrounded aligned blocks. */
    for (size_t alignment = 32; alignment <= 4 * MIB; alignment *= 2) {
        char *block = memalign(alignment, 3 * alignment / 2);
        REQUIRE(block != NULL);
        memset(block, 0xCC, malloc_usable_size(block));
        free(block);
        free(zeroed(1, 3 * alignment / 2));
        free(zeroed(1, 4 * alignment));
    }
    /* Zero stays out of what is not the caller's: blocks beside keep their bytes. */
    for (size_t size = 1; size < 5000; size += 13) {
        char *block = malloc(size);
        REQUIRE(block != NULL);
        fill(block, size, size);
        char *zero = zeroed(1, size);
        CHECKF(intact(block, size, size), "size %zu", size);
        free(zero);
        free(block);
    }
    return finish();
}
