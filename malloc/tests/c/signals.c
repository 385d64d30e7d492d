/* Signals in storms, from timers and from other threads, with calls not restarted (no SA_RESTART),
   while threads contend. The handlers only count: no call may fail, hang, or lose bytes for them. */
#include "check.h"
#include <sys/time.h>

static int alarms, profiles, users;

static void count(int signal)
{
    int *counter = signal == SIGALRM ? &alarms : signal == SIGPROF ? &profiles : &users;
    __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

enum { THREADS = 4, CALLS = 150000 };
static void *shared[128];

static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    for (int call = 0; call < CALLS; call++) {
        size_t size = random_size(&state) % (200 * KIB) + sizeof(size_t);
        size_t *block = call % 5 ? malloc(size) : calloc(1, size);
        REQUIRE(block != NULL);
        if (call % 5 == 0)
            CHECK(all_bytes(block, size < 2000 ? size : 2000, 0));
        *block = size;
        if (call % 7 == 0) {
            block = realloc(block, size * 2);
            REQUIRE(block && *block == size);
        }
        errno = 0;
        free(__atomic_exchange_n(&shared[next_random(&state) % COUNT(shared)], block, __ATOMIC_ACQ_REL));
        CHECKF(errno == 0, "free: errno %d", errno);
    }
    return NULL;
}

int main(void)
{
    struct sigaction action = { 0 };
    action.sa_handler = count;
    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    REQUIRE(sigaction(SIGPROF, &action, NULL) == 0);
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
    REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
    REQUIRE(setitimer(ITIMER_PROF, &often, NULL) == 0);
    pthread_t threads[THREADS];
    for (uintptr_t at = 0; at < THREADS; at++)
        REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
    for (int turn = 0; turn < 3000; turn++) {
        for (size_t at = 0; at < THREADS; at++)
            pthread_kill(threads[at], SIGUSR1);
        free(malloc(turn));
    }
    for (size_t at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    /* Otherwise nothing was tested. */
    CHECKF(alarms > 0 && users > 0, "%d alarms, %d profile ticks, %d signals", alarms, profiles, users);
    return finish();
}
