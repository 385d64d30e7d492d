/* Handlers of pthread_atfork that allocate and free, while threads contend. Registered before the
   library could register its own (.preinit_array runs before all constructors of libraries), in a
   constructor of high priority, and in main: so they run inside and outside of whatever the library
   holds during fork. With the argument "nested", handlers besides fork themselves. */
#include "check.h"

enum { THREADS = 3, TURNS = 80 };

static int stop, ran, nested;
static __thread int inside;
static void *from_prepare[3];

static void allocate(void)
{
    static const size_t sizes[] = { 1, 30, 500, 4000, 40000, 400000, 3000000 };
    for (size_t at = 0; at < COUNT(sizes); at++) {
        char *block = malloc(sizes[at]), *zero = calloc(1, sizes[at]);
        REQUIRE(block && zero);
        block[sizes[at] - 1] = 1;
        block = realloc(block, sizes[at] * 3);
        REQUIRE(block && block[sizes[at] - 1] == 1);
        free(block);
        free(zero);
    }
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
}

static void fork_inside(void)
{
    if (!nested || inside)
        return;
    inside = 1;
    pid_t forked = fork();
    REQUIRE(forked >= 0);
    if (forked == 0) {
        alarm(60);
        free(malloc(500));
        _exit(finish());
    }
    if (!ended_well(forked))
        _exit(1);
    inside = 0;
}

#define HANDLERS(at) \
    static void prepare##at(void) { allocate(); if (!inside) from_prepare[at] = malloc(1000 + at); fork_inside(); } \
    static void parent##at(void) { allocate(); if (!inside) free(from_prepare[at]); fork_inside(); } \
    static void child##at(void) { alarm(60); allocate(); if (!inside) free(from_prepare[at]); fork_inside(); }
HANDLERS(0)
HANDLERS(1)
HANDLERS(2)

static void first(void) { if (pthread_atfork(prepare0, parent0, child0) != 0) _exit(4); }
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(void) = first;
__attribute__((constructor(101))) static void second(void) { if (pthread_atfork(prepare1, parent1, child1) != 0) _exit(4); }

static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 5;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        void *blocks[20];
        for (size_t at = 0; at < COUNT(blocks); at++)
            blocks[at] = malloc(random_size(&state));
        for (size_t at = 0; at < COUNT(blocks); at++)
            free(blocks[at]);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    nested = argc > 1 && strcmp(argv[1], "nested") == 0;
    REQUIRE(pthread_atfork(prepare2, parent2, child2) == 0);
    pthread_t threads[THREADS];
    for (int contended = 0; contended < 2; contended++) {
        if (contended)
            for (uintptr_t at = 0; at < THREADS; at++)
                REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
        for (int turn = 0; turn < (nested ? 20 : TURNS); turn++) {
            pid_t forked = fork();
            REQUIRE(forked >= 0);
            if (forked == 0) {
                allocate();
                _exit(finish());
            }
            if (!ended_well(forked))
                _exit(1);
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    CHECK(ran >= 6 * 2 * (nested ? 20 : TURNS));
    return finish();
}
