/* free leaves errno alone, whatever it frees (POSIX.1-2024; glibc since 2.33): blocks of all sizes,
   mapped ones, those of other threads, NULL. The same is asked of its kin. */
#include "check.h"

extern void free_sized(void *, size_t) __attribute__((weak));
extern void free_aligned_sized(void *, size_t, size_t) __attribute__((weak));
extern void cfree(void *) __attribute__((weak));

static const int VALUES[] = { 0, EINVAL, ENOMEM, EDOM, -1, 12345 };
static const size_t SIZES[] = { 0, 1, 8, 24, 100, 1000, 4096, 20000, 65536, 200000, 1000000, 4000000, 100000000 };

static void free_keeps_errno(void *block, size_t size, int value)
{
    errno = value;
    free(block);
    CHECKF(errno == value, "free of %zu: errno %d became %d", size, value, errno);
}

enum { MANY = 3000 };
static void *blocks[MANY];

static void *fill_blocks(void *sizes)
{
    uint64_t state = 99;
    for (size_t at = 0; at < MANY; at++) {
        size_t size = sizes ? random_size(&state) : at % 200;
        blocks[at] = malloc(size);
        REQUIRE(blocks[at] != NULL);
        memset(blocks[at], 1, size);
    }
    return NULL;
}

/* Threads that wait for each other: what makes them wait must not show either. */
static void *shared[64];
static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    for (int turn = 0; turn < 60000; turn++) {
        size_t size = random_size(&state) % (300 * KIB) + 1;
        void *block = malloc(size);
        REQUIRE(block != NULL);
        block = __atomic_exchange_n(&shared[next_random(&state) % COUNT(shared)], block, __ATOMIC_ACQ_REL);
        errno = EXDEV;
        free(block);
        CHECKF(errno == EXDEV, "free under contention: errno %d", errno);
    }
    return NULL;
}

int main(void)
{
    for (size_t v = 0; v < COUNT(VALUES); v++) {
        int value = VALUES[v];
        free_keeps_errno(NULL, 0, value);
        for (size_t s = 0; s < COUNT(SIZES); s++) {
            size_t size = SIZES[s];
            free_keeps_errno(malloc(size), size, value);
            free_keeps_errno(calloc(1, size), size, value);
            free_keeps_errno(memalign(4096, size), size, value);
            free_keeps_errno(memalign(2 * MIB, size), size, value);
            char *written = malloc(size);
            REQUIRE(written != NULL);
            memset(written, 1, size);
            free_keeps_errno(written, size, value);
            if (free_sized) {
                void *block = malloc(size);
                errno = value;
                free_sized(block, size);
                CHECKF(errno == value, "free_sized of %zu: errno %d became %d", size, value, errno);
            }
            if (free_aligned_sized) {
                void *block = aligned_alloc(64, size);
                errno = value;
                free_aligned_sized(block, 64, size);
                CHECKF(errno == value, "free_aligned_sized of %zu: errno %d became %d", size, value, errno);
            }
            if (cfree) {
                void *block = malloc(size);
                errno = value;
                cfree(block);
                CHECKF(errno == value, "cfree of %zu: errno %d became %d", size, value, errno);
            }
        }
        /* So many that magazines, blocks and mappings are given back on the way; then the same with
           those of a thread that is gone. */
        for (int turn = 0; turn < 3; turn++) {
            fill_blocks(turn ? blocks : NULL);
            for (size_t at = 0; at < MANY; at++)
                free_keeps_errno(blocks[at], at, value);
            pthread_t thread;
            REQUIRE(pthread_create(&thread, NULL, fill_blocks, turn ? blocks : NULL) == 0);
            pthread_join(thread, NULL);
            for (size_t at = 0; at < MANY; at++)
                free_keeps_errno(blocks[at], at, value);
        }
        errno = value;
        CHECK(malloc_usable_size(NULL) == 0);
        CHECK(errno == value);
    }
    pthread_t threads[6];
    for (uintptr_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    return finish();
}
