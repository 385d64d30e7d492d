/* What a thread does last: destructors of thread-specific values that allocate and free first in the last
   of their rounds, and some that only free. Nothing may be lost, however many keys there are: the C
   library itself allocates to keep the values of later ones. */
#include "check.h"

enum { KEYS = 6, BLOCKS = 300, MANY_KEYS = 900 };
static pthread_key_t again_key[KEYS], free_key;
static void *blocks[BLOCKS];
static long calls;

static void again(void *value)
{
    uintptr_t round = (uintptr_t)value;
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < 200; at++) {
        char *block = malloc(16 + at * 37);
        REQUIRE(block != NULL);
        fill(block, 16, at);
        block = realloc(block, 9000 + at);
        REQUIRE(block != NULL);
        CHECK(intact(block, 16, at));
        free(block);
    }
    /* In an order that differs from round to round, so that some keys come after the library's own. */
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
        for (size_t key = 0; key < KEYS; key++)
            pthread_setspecific(again_key[(key + round) % KEYS], (void *)(round + 1));
}

static void only_free(void *value)
{
    uintptr_t round = (uintptr_t)value;
    if (round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(free_key, (void *)(round + 1));
        return;
    }
    for (size_t at = 0; at < BLOCKS; at++) {
        CHECK(intact(blocks[at], 64 + at, at));
        free(blocks[at]);
    }
}

static void *sets_many(void *unused)
{
    pthread_setspecific(again_key[0], (void *)1);
    return unused;
}
static void *sets_one(void *unused)
{
    pthread_setspecific(free_key, (void *)1);
    return unused;
}

static void turns(int many)
{
    while (many-- > 0) {
        for (size_t at = 0; at < BLOCKS; at++) {
            blocks[at] = malloc(64 + at);
            REQUIRE(blocks[at] != NULL);
            fill(blocks[at], 64 + at, at);
        }
        pthread_t threads[2];
        REQUIRE(pthread_create(&threads[0], NULL, sets_many, NULL) == 0);
        REQUIRE(pthread_create(&threads[1], NULL, sets_one, NULL) == 0);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        for (int made = 0; made < MANY_KEYS; made++) {
            pthread_key_t key;
            REQUIRE(pthread_key_create(&key, NULL) == 0);
        }
    for (size_t key = 0; key < KEYS; key++)
        REQUIRE(pthread_key_create(&again_key[key], again) == 0);
    REQUIRE(pthread_key_create(&free_key, only_free) == 0);
    turns(100);
    size_t before = resident_kib();
    turns(400);
    size_t after = resident_kib();
    CHECKF(after < before + MIB / KIB, "%zu KiB became %zu KiB", before, after);
    CHECKF(calls > 500 * PTHREAD_DESTRUCTOR_ITERATIONS, "%ld calls", calls);
    return finish();
}
