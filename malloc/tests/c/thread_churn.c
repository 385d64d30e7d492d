/* Thousands of threads, one after the other and a few at a time. What each used is used again by
   those after it: the process does not grow. Also when blocks are freed after their thread's end,
   and by a thread of which this is the only call. */
#include "check.h"

static void *left_behind[64];

static void *use_and_free(void *unused)
{
    void *blocks[100];
    for (size_t at = 0; at < COUNT(blocks); at++) {
        blocks[at] = malloc(at * 17 % 3000 + 1);
        REQUIRE(blocks[at] != NULL);
        memset(blocks[at], 1, at * 17 % 3000 + 1);
    }
    for (size_t at = 0; at < COUNT(blocks); at++)
        free(blocks[at]);
    return unused;
}
static void *leave(void *unused)
{
    for (size_t at = 0; at < COUNT(left_behind); at++) {
        left_behind[at] = malloc(at * 29 % 5000 + 1);
        REQUIRE(left_behind[at] != NULL);
        memset(left_behind[at], 1, at * 29 % 5000 + 1);
    }
    return unused;
}
static void *only_free(void *unused)
{
    for (size_t at = 0; at < COUNT(left_behind); at++)
        free(left_behind[at]);
    return unused;
}
static void *nothing(void *unused) { return unused; }

static void start_and_join(void *(*body)(void *))
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, NULL);
    if (error != 0) {
        CHECKF(error == 0, "pthread_create: %d", error);
        _exit(1);
    }
    pthread_join(thread, NULL);
}

static void turn(int at)
{
    start_and_join(use_and_free);
    start_and_join(leave);
    if (at % 2)
        start_and_join(only_free);
    else
        only_free(NULL);
    if (at % 4 == 0) {
        start_and_join(nothing);
        pthread_t threads[6];
        for (size_t t = 0; t < COUNT(threads); t++)
            REQUIRE(pthread_create(&threads[t], NULL, use_and_free, NULL) == 0);
        for (size_t t = 0; t < COUNT(threads); t++)
            pthread_join(threads[t], NULL);
    }
    if (at % 8 == 0) {
        pthread_t thread;
        REQUIRE(pthread_create(&thread, NULL, use_and_free, NULL) == 0);
        pthread_detach(thread);
    }
}

int main(void)
{
    for (int at = 0; at < 300; at++)
        turn(at);
    size_t before = resident_kib();
    for (int at = 0; at < 2000; at++)
        turn(at);
    size_t after = resident_kib();
    CHECKF(after < before + 8 * KIB, "%zu KiB became %zu KiB", before, after);
    return finish();
}
