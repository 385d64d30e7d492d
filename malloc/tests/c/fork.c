/* fork while other threads allocate, hundreds of times. The child allocates in all sizes, frees what
   its parent made (also what belonged to threads that it does not have), starts threads and forks
   again. A child that hangs is ended by its alarm. */
#include "check.h"

enum { THREADS = 4, SHARED = 256 };

static char *shared[SHARED];
static int stop;

static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 17;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        size_t size = random_size(&state) % (300 * KIB) + 1;
        char *block = next_random(&state) % 4 ? malloc(size) : calloc(1, size);
        REQUIRE(block != NULL);
        block[0] = 1;
        free(__atomic_exchange_n(&shared[next_random(&state) % SHARED], block, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void *few_calls(void *seed)
{
    uint64_t state = (uintptr_t)seed + 3;
    void *blocks[100];
    for (size_t at = 0; at < COUNT(blocks); at++) {
        size_t size = random_size(&state) % (100 * KIB) + 1;
        blocks[at] = malloc(size);
        REQUIRE(blocks[at] != NULL);
        fill(blocks[at], size < 500 ? size : 500, at);
        blocks[at] = realloc(blocks[at], size + 600);
        REQUIRE(blocks[at] != NULL);
        CHECK(intact(blocks[at], size < 500 ? size : 500, at));
    }
    for (size_t at = 0; at < COUNT(blocks); at++)
        free(blocks[at]);
    return NULL;
}

static int child(int turn)
{
    alarm(60);
    for (size_t at = 0; at < SHARED; at++)
        free(shared[at]);
    few_calls((void *)(intptr_t)turn);
    free(malloc(8 * MIB));
    if (turn % 2 == 0) {
        pthread_t threads[2];
        for (size_t at = 0; at < COUNT(threads); at++)
            REQUIRE(pthread_create(&threads[at], NULL, few_calls, (void *)at) == 0);
        for (size_t at = 0; at < COUNT(threads); at++)
            pthread_join(threads[at], NULL);
    }
    if (turn % 8 == 0) {
        pid_t grandchild = fork();
        REQUIRE(grandchild >= 0);
        if (grandchild == 0) {
            alarm(60);
            few_calls(NULL);
            _exit(finish());
        }
        CHECK(ended_well(grandchild));
    }
    malloc_trim(0);
    return finish();
}

static void *fork_often(void *turns)
{
    for (intptr_t turn = 0; turn < (intptr_t)turns; turn++) {
        char *kept = malloc(1000);
        REQUIRE(kept != NULL);
        fill(kept, 1000, turn);
        pid_t forked = fork();
        REQUIRE(forked >= 0);
        if (forked == 0) {
            CHECK(intact(kept, 1000, turn));
            free(kept);
            int status = child(turn);
            if (turn % 16 == 5)
                exit(status);
            _exit(status);
        }
        few_calls((void *)turn);
        if (!ended_well(forked))
            _exit(1);
        CHECK(intact(kept, 1000, turn));
        free(kept);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS], forker;
    /* With one thread first. */
    fork_often((void *)20);
    for (uintptr_t at = 0; at < THREADS; at++)
        REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
    fork_often((void *)200);
    /* From a thread that is not the first, and from two at once. */
    REQUIRE(pthread_create(&forker, NULL, fork_often, (void *)60) == 0);
    fork_often((void *)60);
    pthread_join(forker, NULL);
    /* system and popen fork as well. */
    for (int turn = 0; turn < 10; turn++)
        CHECK(system("true") == 0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    return finish();
}
