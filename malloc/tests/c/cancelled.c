/* A thread that was cancelled, and has not come upon it yet, writes statistics: these calls are nothing
   that a thread ends in (POSIX names what is), and no lock stays behind. With an argument it frees a
   block twice: the message comes, not the end of the thread alone. */
#include "check.h"

static int written;

static void *cancelled(void *twice)
{
    REQUIRE(pthread_cancel(pthread_self()) == 0);
    if (twice) {
        void *block = malloc(100);
        free(hidden(block));
        free(hidden(block));
    }
    malloc_stats();
    written = 1;
    CHECK(malloc_info(0, stderr) == 0);
    written = 2;
    int state = -1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    CHECK(state == PTHREAD_CANCEL_ENABLE);
    free(malloc(100));
    written = 3;
    pthread_testcancel();
    written = 4;
    return NULL;
}

int main(int argc, char **argv)
{
    (void)argv;
    setvbuf(stderr, NULL, _IONBF, 0);
    for (int turn = 0; turn < 3; turn++) {
        pthread_t thread;
        void *result = NULL;
        written = 0;
        REQUIRE(pthread_create(&thread, NULL, cancelled, argc > 1 ? &written : NULL) == 0);
        REQUIRE(pthread_join(thread, &result) == 0);
        CHECKF(written == 3, "%d", written);
        CHECK(result == PTHREAD_CANCELED);
        malloc_stats();
        free(malloc(100));
    }
    return finish();
}
