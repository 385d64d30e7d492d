/* fork in a signal handler that interrupts the allocator at any instruction. The child allocates and
   frees there, what it has of its parent's included, and ends without coming back; the parent goes on
   with what was interrupted, unharmed. With the argument "threads", several threads are interrupted.
   With "returns", the child of one thread does nothing in the handler and goes on as well. */
#include "check.h"
#include <sys/time.h>

enum { KEPT = 400, FORKS = 1500, LIVE = 2000 };

static char *kept[KEPT];
static int forks, stop, returns, by_timer;
static volatile sig_atomic_t is_child;

static size_t size_of(size_t at) { return at % 40 == 39 ? 20 * KIB + at * 300 : at * 11 % 600 + 16; }

/* What a child does in the handler: blocks of all sorts, none of them where another one is. */
static void use_all(void)
{
    enum { COUNT_OF_EACH = 150 };
    static char *blocks[8][COUNT_OF_EACH];
    static const size_t sizes[8] = { 16, 48, 200, 500, 1000, 5000, 70 * KIB, 300 * KIB };
    for (size_t size = 0; size < COUNT(sizes); size++)
        for (size_t at = 0; at < (size < 6 ? COUNT_OF_EACH : 3); at++) {
            REQUIRE((blocks[size][at] = malloc(sizes[size])) != NULL);
            fill(blocks[size][at], sizes[size] < 500 ? sizes[size] : 500, size * 1000 + at);
        }
    /* Nothing of what the program had was handed out. */
    for (size_t at = 0; at < KEPT; at++) {
        CHECKF(intact(kept[at], size_of(at), at), "block %zu of %zu bytes", at, size_of(at));
        if (at % 2 == 0) {
            kept[at] = realloc(kept[at], 3 * size_of(at));
            REQUIRE(kept[at] != NULL);
            CHECK(intact(kept[at], size_of(at), at));
        }
        if (at % 4 < 3)
            free(kept[at]);
    }
    for (size_t size = 0; size < COUNT(sizes); size++)
        for (size_t at = 0; at < (size < 6 ? COUNT_OF_EACH : 3); at++) {
            CHECKF(intact(blocks[size][at], sizes[size] < 500 ? sizes[size] : 500, size * 1000 + at),
                   "size %zu, block %zu", sizes[size], at);
            free(blocks[size][at]);
        }
    for (size_t at = 0; at < KEPT; at++)
        if (at % 4 == 3)
            CHECKF(intact(kept[at], size_of(at), at), "block %zu", at);
}

/* The next signal, a moment from now: from the end of the handler on, or nothing else would be done. */
static void set_timer(void)
{
    static uint64_t state = 99;
    struct itimerval once = { { 0, 0 }, { 0, 20 + next_random(&state) % 300 } };
    setitimer(ITIMER_REAL, &once, NULL);
}

static void handle(int signal)
{
    (void)signal;
    int saved = errno, status = 0;
    pid_t forked = fork();
    if (forked == 0) {
        alarm(60);
        if (returns) {
            is_child = 1;
            errno = saved;
            return;
        }
        use_all();
        if (forks % 8 == 0) {
            pid_t grandchild = fork();
            REQUIRE(grandchild >= 0);
            if (grandchild == 0) {
                free(malloc(500));
                free(malloc(500 * KIB));
                _exit(finish());
            }
            CHECK(ended_well(grandchild));
        }
        _exit(finish());
    }
    if (forked > 0) {
        while (waitpid(forked, &status, 0) < 0)
            if (errno != EINTR)
                _exit(6);
        if (status != 0) {
            failed(__FILE__, __LINE__, "child", "%s %d", WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            _exit(1);
        }
        if (__atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED) >= FORKS)
            __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    }
    if (by_timer && !stop)
        set_timer();
    errno = saved;
}

/* Slow paths for the most part: many live blocks of many sizes, freed in another order. */
static void *churn(void *seed)
{
    uint64_t state = (uintptr_t)seed + 7;
    char **live = calloc(LIVE, sizeof *live);
    size_t *sizes = calloc(LIVE, sizeof *sizes);
    REQUIRE(live && sizes);
    int after = 0;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        size_t at = next_random(&state) % LIVE;
        if (live[at])
            CHECKF(intact(live[at], 16, at), "block %zu of %zu bytes", at, sizes[at]);
        free(live[at]);
        sizes[at] = next_random(&state) % 64 ? next_random(&state) % 12 * 2000 + 500
                                             : next_random(&state) % (400 * KIB) + 16;
        REQUIRE((live[at] = malloc(sizes[at])) != NULL);
        fill(live[at], 16, at);
        /* A child goes on for a while. */
        if (is_child && ++after == 300)
            _exit(finish());
    }
    for (size_t at = 0; at < LIVE; at++) {
        if (live[at])
            CHECK(intact(live[at], 16, at));
        free(live[at]);
    }
    free(live);
    free(sizes);
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 1 && strcmp(argv[1], "threads") == 0;
    returns = argc > 1 && strcmp(argv[1], "returns") == 0;
    for (size_t at = 0; at < KEPT; at++) {
        REQUIRE((kept[at] = malloc(size_of(at))) != NULL);
        fill(kept[at], size_of(at), at);
    }
    by_timer = !threads;
    struct sigaction action = { 0 };
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    REQUIRE(sigaction(by_timer ? SIGALRM : SIGUSR1, &action, NULL) == 0);
    if (by_timer) {
        set_timer();
        churn(NULL);
    } else {
        alarm(200);
        pthread_t others[3];
        for (uintptr_t at = 0; at < COUNT(others); at++)
            REQUIRE(pthread_create(&others[at], NULL, churn, (void *)(at + 1)) == 0);
        for (int turn = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); turn++) {
            pthread_kill(others[turn % COUNT(others)], SIGUSR1);
            usleep(200);
        }
        for (size_t at = 0; at < COUNT(others); at++)
            pthread_join(others[at], NULL);
    }
    for (size_t at = 0; at < KEPT; at++) {
        CHECK(intact(kept[at], size_of(at), at));
        free(kept[at]);
    }
    return finish();
}
