/* The malloc library itself, opened in the midst of a run that another malloc serves. The argument
   names it. Its functions work in threads that were there before and in new ones, free knows
   its own blocks and hands on those of the malloc before it; closing it does no harm. */
#include "check.h"
#include <dlfcn.h>

static void *(*their_malloc)(size_t);
static void *(*their_calloc)(size_t, size_t);
static void *(*their_realloc)(void *, size_t);
static void (*their_free)(void *);
static int ready, stop;

static void use(size_t seed)
{
    void *blocks[100];
    for (size_t at = 0; at < COUNT(blocks); at++) {
        size_t size = at * at * 3 + 1;
        blocks[at] = at % 3 ? their_malloc(size) : their_calloc(1, size);
        REQUIRE(blocks[at] != NULL);
        CHECK(at % 3 || all_bytes(blocks[at], size, 0));
        fill(blocks[at], size, seed + at);
    }
    for (size_t at = 0; at < COUNT(blocks); at++) {
        size_t size = at * at * 3 + 1;
        CHECK(intact(blocks[at], size, seed + at));
        if (at % 2) {
            blocks[at] = their_realloc(blocks[at], size * 2);
            REQUIRE(blocks[at] != NULL);
            CHECK(intact(blocks[at], size, seed + at));
        }
        their_free(blocks[at]);
    }
}

static void *there_before(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        free(malloc(random_size(&state)));
        if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
            use((uintptr_t)seed);
    }
    return NULL;
}
static void *there_after(void *seed)
{
    use((uintptr_t)seed);
    free(malloc(100));
    return NULL;
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    pthread_t old[3], young;
    for (uintptr_t at = 0; at < COUNT(old); at++)
        REQUIRE(pthread_create(&old[at], NULL, there_before, (void *)at) == 0);
    char *before = malloc(1000);
    REQUIRE(before != NULL);
    fill(before, 1000, 4);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        CHECKF(library, "%s", dlerror());
        _exit(1);
    }
    *(void **)&their_malloc = dlsym(library, "malloc");
    *(void **)&their_calloc = dlsym(library, "calloc");
    *(void **)&their_realloc = dlsym(library, "realloc");
    *(void **)&their_free = dlsym(library, "free");
    REQUIRE(their_malloc && their_calloc && their_realloc && their_free);
    CHECK((void *)their_malloc != dlsym(RTLD_DEFAULT, "malloc"));
    use(1);
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    for (uintptr_t at = 0; at < 50; at++) {
        REQUIRE(pthread_create(&young, NULL, there_after, (void *)at) == 0);
        pthread_join(young, NULL);
    }
    for (int turn = 0; turn < 20; turn++) {
        pid_t forked = fork();
        REQUIRE(forked >= 0);
        if (forked == 0) {
            alarm(60);
            use(turn);
            free(malloc(100));
            _exit(finish());
        }
        if (!ended_well(forked))
            _exit(1);
    }
    if (own()) {
        /* A block of the malloc before goes to that. */
        before = their_realloc(before, 3000);
        REQUIRE(before != NULL);
        CHECK(intact(before, 1000, 4));
        their_free(before);
        their_free(malloc(200));
    } else {
        free(before);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (size_t at = 0; at < COUNT(old); at++)
        pthread_join(old[at], NULL);
    if (argc > 2) {
        /* A thread that used it ends after it is closed, and the process goes on. */
        CHECK(dlclose(library) == 0);
        for (uintptr_t at = 0; at < 50; at++) {
            void *block;
            REQUIRE(pthread_create(&young, NULL, (void *(*)(void *))malloc, (void *)100) == 0);
            pthread_join(young, &block);
            free(block);
        }
    }
    return finish();
}
