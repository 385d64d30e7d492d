/* Destructors of thread-specific values that allocate and free, in all of their rounds: POSIX runs
   them again, PTHREAD_DESTRUCTOR_ITERATIONS times, while they set values. The keys are made before
   the library's own could be (.preinit_array comes before every library's constructors) and after:
   so they run both before and after what the library does at a thread's end. Nothing may leak. */
#include "check.h"

enum { KEYS = 6, EARLY = 3 };
static pthread_key_t keys[KEYS];
static int rounds[KEYS];

static void destroy(void *value)
{
    /* The first bytes say which key and which round. */
    size_t *block = value;
    size_t key = block[0], round = block[1], size = block[2];
    CHECKF(intact(block + 3, size, key + round), "key %zu, round %zu", key, round);
    free(block);
    __atomic_add_fetch(&rounds[key], 1, __ATOMIC_RELAXED);
    void *others[50];
    for (size_t at = 0; at < COUNT(others); at++) {
        others[at] = at % 3 ? malloc(at * 40 + 1) : calloc(1, at * 40 + 1);
        REQUIRE(others[at] != NULL);
        if (at % 3 == 0)
            CHECK(all_bytes(others[at], at * 40 + 1, 0));
        memset(others[at], 0xAB, at * 40 + 1);
    }
    for (size_t at = 0; at < COUNT(others); at++)
        free(others[at]);
    if (round + 1 < PTHREAD_DESTRUCTOR_ITERATIONS) {
        size_t *next = realloc(malloc(8), (3 * sizeof(size_t)) + size);
        REQUIRE(next != NULL);
        next[0] = key;
        next[1] = round + 1;
        next[2] = size;
        fill(next + 3, size, key + round + 1);
        pthread_setspecific(keys[key], next);
    }
}

static void early(void)
{
    for (int key = 0; key < EARLY; key++)
        if (pthread_key_create(&keys[key], destroy) != 0)
            _exit(4);
}
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = early;

static void *body(void *number)
{
    /* Some threads allocate first, some have set their values with no allocation before. */
    if ((uintptr_t)number % 2)
        free(malloc(100));
    for (size_t key = 0; key < KEYS; key++) {
        size_t size = 50 + (uintptr_t)number % 700;
        size_t *block = malloc(3 * sizeof(size_t) + size);
        REQUIRE(block != NULL);
        block[0] = key;
        block[1] = 0;
        block[2] = size;
        fill(block + 3, size, key);
        pthread_setspecific(keys[key], block);
    }
    return NULL;
}

/* A thread whose first and only allocations are in its destructors. */
static char placed[KEYS][3 * sizeof(size_t) + 8];
static pthread_key_t late_key;
static void late(void *unused)
{
    (void)unused;
    for (int at = 0; at < 100; at++) {
        char *block = malloc(at * 10 + 1);
        REQUIRE(block != NULL);
        memset(block, 1, at * 10 + 1);
        free(block);
    }
}
static void *sets_only(void *unused)
{
    pthread_setspecific(late_key, placed);
    return unused;
}

static void turns(uintptr_t many)
{
    pthread_t threads[4];
    for (uintptr_t turn = 0; turn < many; turn++) {
        for (size_t at = 0; at < COUNT(threads); at++)
            REQUIRE(pthread_create(&threads[at], NULL, at == 3 ? sets_only : body, (void *)(turn + at)) == 0);
        for (size_t at = 0; at < COUNT(threads); at++)
            pthread_join(threads[at], NULL);
    }
}

int main(void)
{
    for (int key = EARLY; key < KEYS; key++)
        REQUIRE(pthread_key_create(&keys[key], destroy) == 0);
    REQUIRE(pthread_key_create(&late_key, late) == 0);
    turns(200);
    size_t before = resident_kib();
    turns(1000);
    size_t after = resident_kib();
    CHECKF(after < before + 8 * KIB, "%zu KiB became %zu KiB", before, after);
    for (int key = 0; key < KEYS; key++)
        CHECKF(rounds[key] == 1200 * 3 * PTHREAD_DESTRUCTOR_ITERATIONS, "key %d: %d", key, rounds[key]);
    return finish();
}
