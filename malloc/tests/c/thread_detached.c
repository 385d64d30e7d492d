/* Detached threads that never call `malloc`, so many at a time that the C library cannot keep all of their
   stacks: at its very end each frees what belongs to those of others. They leave nothing. */
#include "check.h"

enum { AT_ONCE = 40 };
static pthread_barrier_t barrier;
static int left;

static void *body(void *unused)
{
    pthread_barrier_wait(&barrier);
    __atomic_sub_fetch(&left, 1, __ATOMIC_RELAXED);
    return unused;
}

static void turns(int many, const pthread_attr_t *detached)
{
    while (many-- > 0) {
        REQUIRE(pthread_barrier_init(&barrier, NULL, AT_ONCE) == 0);
        __atomic_store_n(&left, AT_ONCE, __ATOMIC_RELAXED);
        for (int at = 0; at < AT_ONCE; at++) {
            pthread_t thread;
            /* Those of the turn before may still be there. */
            while (pthread_create(&thread, detached, body, NULL) != 0)
                usleep(1000);
        }
        while (__atomic_load_n(&left, __ATOMIC_RELAXED) > 0)
            usleep(500);
        usleep(1000);
    }
}

int main(void)
{
    pthread_attr_t detached;
    REQUIRE(pthread_attr_init(&detached) == 0);
    REQUIRE(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0);
    turns(30, &detached);
    size_t before = resident_kib();
    turns(150, &detached);
    size_t after = resident_kib();
    CHECKF(after < before + 2 * (MIB / KIB), "%zu KiB became %zu KiB", before, after);
    return finish();
}
