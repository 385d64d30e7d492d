/* posix_spawn and vfork with exec, while threads allocate: the child shares the parent's memory until
   it becomes another program. */
#include "check.h"
#include <spawn.h>

extern char **environ;
static int stop;

static void *contend(void *seed)
{
    uint64_t state = (uintptr_t)seed + 1;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        free(malloc(random_size(&state)));
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        free(malloc(1000));
        return 0;
    }
    pthread_t threads[3];
    for (uintptr_t at = 0; at < COUNT(threads); at++)
        REQUIRE(pthread_create(&threads[at], NULL, contend, (void *)at) == 0);
    for (int turn = 0; turn < 60; turn++) {
        char *arguments[] = { argv[0], "child", NULL };
        pid_t child;
        if (turn % 2) {
            REQUIRE(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
        } else {
            child = vfork();
            if (child == 0) {
                execve("/proc/self/exe", arguments, environ);
                _exit(4);
            }
            REQUIRE(child > 0);
        }
        CHECK(ended_well(child));
        free(malloc(5000));
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (size_t at = 0; at < COUNT(threads); at++)
        pthread_join(threads[at], NULL);
    return finish();
}
