/* Libraries that come and go: their constructors and destructors allocate, their blocks outlive
   them, the loader's own memory for them (and for their thread storage) comes from this malloc. The
   argument names the library. */
#include "check.h"
#include <dlfcn.h>

static const char *path;
static char *(*give)(size_t);
static int stop;

static void *call(void *unused)
{
    char *block = give(700);
    REQUIRE(block && block[699] == 9);
    return block;
}
static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        free(malloc(random_size(&state)));
    return NULL;
}

static void turn(void)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        CHECKF(library, "%s", dlerror());
        _exit(1);
    }
    *(void **)&give = dlsym(library, "plugin_block");
    void (*take)(void *);
    *(void **)&take = dlsym(library, "plugin_free");
    REQUIRE(give && take);
    char *ours = malloc(900), *theirs = give(900), *of_thread;
    REQUIRE(ours && theirs);
    take(ours);
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, call, NULL) == 0);
    pthread_join(thread, (void **)&of_thread);
    CHECK(dlsym(library, "no_such_name") == NULL);
    CHECK(dlerror() != NULL);
    CHECK(dlopen("/no/such/library.so", RTLD_NOW) == NULL);
    CHECK(dlclose(library) == 0);
    CHECK(all_bytes(theirs, 900, 9));
    CHECK(all_bytes(of_thread, 700, 9));
    free(theirs);
    free(of_thread);
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    path = argv[1];
    for (int at = 0; at < 100; at++)
        turn();
    size_t before = resident_kib();
    for (int at = 0; at < 300; at++)
        turn();
    size_t after = resident_kib();
    CHECKF(after < before + 8 * KIB, "%zu KiB became %zu KiB", before, after);
    pthread_t threads[3];
    for (uintptr_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
    for (int at = 0; at < 100; at++)
        turn();
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    return finish();
}
