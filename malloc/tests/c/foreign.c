/* Blocks that the C library's own malloc made, in a process that another malloc serves: they come from
   what was allocated before this malloc was there, and from whoever asks the C library by name. free and
   realloc hand them on, realloc keeps their bytes, malloc_usable_size tells their size. */
#include "check.h"
#include <dlfcn.h>

static void *(*their_malloc)(size_t);
static void *(*their_calloc)(size_t, size_t);
static void *(*their_memalign)(size_t, size_t);

static const size_t SIZES[] = { 1, 24, 100, 1000, 5000, 70000, 500000, 5000000 };

static void *free_it(void *block)
{
    free(block);
    return NULL;
}

static void turn(void)
{
    for (size_t at = 0; at < COUNT(SIZES); at++) {
        size_t size = SIZES[at];
        free(their_malloc(size));
        free(their_calloc(1, size));
        free(their_memalign(4096, size));
        for (int way = 0; way < 4; way++) {
            size_t next = way == 0 ? size * 2 : way == 1 ? size / 2 + 1 : way == 2 ? size : size + 1;
            char *block = their_malloc(size);
            REQUIRE(block != NULL);
            fill(block, size, at);
            CHECK(malloc_usable_size(block) >= size);
            block = realloc(block, next);
            REQUIRE(block != NULL);
            CHECKF(intact(block, size < next ? size : next, at), "%zu to %zu", size, next);
            CHECK(malloc_usable_size(block) >= next);
            block = realloc(block, size * 3);
            REQUIRE(block != NULL);
            CHECKF(intact(block, size < next ? size : next, at), "%zu to %zu", size, next);
            free(block);
        }
        CHECK(realloc(their_malloc(size), amount(0)) == NULL);
        char *block = their_malloc(size);
        REQUIRE(block != NULL);
        fill(block, size, at);
        errno = 0;
        CHECK(realloc(hidden(block), amount(SIZE_MAX)) == NULL && errno == ENOMEM);
        errno = EDOM;
        CHECK(intact(block, size, at));
        free(block);
        CHECK(errno == EDOM);
    }
}

static void *in_thread(void *unused)
{
    turn();
    return unused;
}

int main(void)
{
    void *library = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    REQUIRE(library != NULL);
    *(void **)&their_malloc = dlsym(library, "malloc");
    *(void **)&their_calloc = dlsym(library, "calloc");
    *(void **)&their_memalign = dlsym(library, "memalign");
    REQUIRE(their_malloc && their_calloc && their_memalign);
    CHECK(!own() || (void *)their_malloc != dlsym(RTLD_DEFAULT, "malloc"));
    turn();
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, in_thread, NULL) == 0);
    pthread_join(thread, NULL);
    for (int at = 0; at < 300; at++) {
        REQUIRE(pthread_create(&thread, NULL, free_it, their_malloc(at * 100)) == 0);
        pthread_join(thread, NULL);
    }
    size_t before = resident_kib();
    for (int at = 0; at < 40; at++)
        turn();
    size_t after = resident_kib();
    CHECKF(after < before + 16 * KIB, "%zu KiB became %zu KiB", before, after);
    return finish();
}
