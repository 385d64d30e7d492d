/* Many threads: each for itself, each freeing what the others allocated, and blocks that outlive
   the threads that made them. Every block's bytes are checked by whoever frees it. */
#include "check.h"

enum { THREADS = 8, SHARED = 512, CALLS = 60000 };

struct block { size_t size, seed; };

static struct block *shared[SHARED];

static struct block *make(uint64_t *state)
{
    size_t size = sizeof(struct block) + random_size(state) % (20 * KIB);
    struct block *made;
    switch (next_random(state) % 6) {
    case 0: made = calloc(1, size); break;
    case 1: made = memalign((size_t)16 << next_random(state) % 9, size); break;
    case 2: made = realloc(malloc(size / 2), size); break;
    default: made = malloc(size); break;
    }
    REQUIRE(made != NULL);
    made->size = size;
    made->seed = next_random(state);
    size_t some = size - sizeof *made;
    fill(made + 1, some > 300 ? 300 : some, made->seed);
    return made;
}

static void end(struct block *made)
{
    if (made == NULL)
        return;
    size_t some = made->size - sizeof *made;
    CHECKF(intact(made + 1, some > 300 ? 300 : some, made->seed), "size %zu", made->size);
    memset(made, 0x5A, sizeof *made);
    free(made);
}

/* Half of its frees are of others' blocks. */
static void *exchange(void *seed)
{
    uint64_t state = (uintptr_t)seed * 7919 + 1;
    struct block *mine[64] = { 0 };
    for (int call = 0; call < CALLS; call++) {
        struct block *made = make(&state);
        if (next_random(&state) % 2) {
            end(__atomic_exchange_n(&shared[next_random(&state) % SHARED], made, __ATOMIC_ACQ_REL));
        } else {
            size_t at = next_random(&state) % COUNT(mine);
            end(mine[at]);
            mine[at] = made;
        }
    }
    for (size_t at = 0; at < COUNT(mine); at++)
        end(mine[at]);
    return NULL;
}

/* One only allocates, the other only frees. */
static void *queue[1024];
static void *produce(void *unused)
{
    for (size_t at = 0; at < 300000; at++) {
        size_t *block = malloc(at % 300 + sizeof *block);
        REQUIRE(block != NULL);
        *block = at;
        while (__atomic_load_n(&queue[at % COUNT(queue)], __ATOMIC_ACQUIRE) != NULL)
            sched_yield();
        __atomic_store_n(&queue[at % COUNT(queue)], block, __ATOMIC_RELEASE);
    }
    return unused;
}
static void *consume(void *unused)
{
    for (size_t at = 0; at < 300000; at++) {
        size_t *block;
        while ((block = __atomic_load_n(&queue[at % COUNT(queue)], __ATOMIC_ACQUIRE)) == NULL)
            sched_yield();
        CHECKF(*block == at, "%zu instead of %zu", *block, at);
        __atomic_store_n(&queue[at % COUNT(queue)], NULL, __ATOMIC_RELEASE);
        free(block);
    }
    return unused;
}

static void run(void *(*first)(void *), void *(*second)(void *), int threads)
{
    pthread_t started[THREADS];
    for (intptr_t at = 0; at < threads; at++)
        REQUIRE(pthread_create(&started[at], NULL, at % 2 ? second : first, (void *)at) == 0);
    for (int at = 0; at < threads; at++)
        REQUIRE(pthread_join(started[at], NULL) == 0);
}

int main(void)
{
    run(exchange, exchange, THREADS);
    /* Their makers are gone. */
    for (size_t at = 0; at < SHARED; at++) {
        end(shared[at]);
        shared[at] = NULL;
    }
    run(produce, consume, 2);
    size_t before = resident_kib();
    for (int turn = 0; turn < 5; turn++)
        run(produce, consume, 2);
    size_t after = resident_kib();
    CHECKF(after < before + 32 * KIB, "%zu KiB became %zu KiB", before, after);
    return finish();
}
