/* Threads with small stacks, as many servers and runtimes start them, allocate; and a signal
   handler's stack is no bother to a thread that allocates. */
#include "check.h"

static void *body(void *unused)
{
    for (size_t size = 1; size < 3 * MIB; size = size * 3 + 1) {
        char *block = malloc(size);
        char *zero = calloc(1, size);
        char *placed = memalign(256, size);
        REQUIRE(block && zero && placed);
        block[0] = block[size - 1] = 1;
        block = realloc(block, size * 2);
        REQUIRE(block != NULL);
        free(block);
        free(zero);
        free(placed);
    }
    return unused;
}

int main(void)
{
    for (size_t stack = 32 * KIB; stack <= 128 * KIB; stack *= 2) {
        for (int turn = 0; turn < 100; turn++) {
            pthread_attr_t attributes;
            pthread_t thread;
            pthread_attr_init(&attributes);
            REQUIRE(pthread_attr_setstacksize(&attributes, stack) == 0);
            REQUIRE(pthread_create(&thread, &attributes, body, NULL) == 0);
            pthread_join(thread, NULL);
            pthread_attr_destroy(&attributes);
        }
    }
    return finish();
}
