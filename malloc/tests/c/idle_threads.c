/* Threads that have freed what they had and wait keep little of it once `malloc_trim` was called, whatever
   lies in their caches; and they go on afterwards as if nothing had been.

   glibc's arenas keep what lies below a block in use, so another library is only asked whether blocks are
   whole. */
#include "check.h"

enum { THREADS = 200, BLOCKS = 4000, ROUNDS = 3 };

static pthread_barrier_t idle, go;

static void work(size_t seed)
{
    static const size_t sizes[] = {16, 40, 64, 100, 160, 250, 400, 700};
    void *blocks[1000];
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t from = 0; from < BLOCKS; from += COUNT(blocks)) {
            for (size_t at = 0; at < COUNT(blocks); at++) {
                size_t size = sizes[(at + from / COUNT(blocks)) % COUNT(sizes)];
                REQUIRE(blocks[at] = malloc(size));
                fill(blocks[at], size, seed + at);
            }
            for (size_t at = 0; at < COUNT(blocks); at++) {
                size_t size = sizes[(at + from / COUNT(blocks)) % COUNT(sizes)];
                CHECK(intact(blocks[at], size, seed + at));
                free(blocks[at]);
            }
        }
    }
}

static void *thread(void *seed)
{
    work((size_t)seed);
    pthread_barrier_wait(&idle);
    pthread_barrier_wait(&go);
    work((size_t)seed + 7);
    return NULL;
}

int main(void)
{
    static pthread_t threads[THREADS];
    pthread_attr_t attributes;
    REQUIRE(!pthread_attr_init(&attributes) && !pthread_attr_setstacksize(&attributes, 128 * KIB));
    REQUIRE(!pthread_barrier_init(&idle, NULL, THREADS + 1) && !pthread_barrier_init(&go, NULL, THREADS + 1));
    for (size_t at = 0; at < THREADS; at++)
        REQUIRE(!pthread_create(&threads[at], &attributes, thread, (void *)(at * 1000)));
    pthread_barrier_wait(&idle);
    size_t before = status_kib("VmRSS:");
    malloc_trim(0);
    size_t after = status_kib("VmRSS:");
    /* For each thread a few pages of its stack, a page for each size, and its caches. */
    if (own())
        CHECKF(after < 8 * 1024 + THREADS * 72, "%zu KiB before, %zu after", before, after);
    pthread_barrier_wait(&go);
    for (size_t at = 0; at < THREADS; at++)
        REQUIRE(!pthread_join(threads[at], NULL));
    return finish();
}
