/* A clock that stands still, to be preloaded. What an allocator does as time goes by would otherwise depend on
 * how long a run takes, and no two runs would have the same counts. */
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    now->tv_sec = 1000;
    now->tv_nsec = 0;
    return 0;
}
