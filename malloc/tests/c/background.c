/* A program whose threads have freed what they had and all wait: with FAMALLOC_BACKGROUND=on their memory goes
   back all the same, without anybody's call. Says how many threads the library has, and what became of
   the memory; how long it may take is whoever runs it to say, by an alarm. */
#include "check.h"
#include <dirent.h>

enum { THREADS = 60, BLOCKS = 3000, SIZE = 400 };

static pthread_barrier_t full, release, idle, go;

static void *thread(void *nothing)
{
    static __thread void *blocks[BLOCKS];
    for (size_t at = 0; at < BLOCKS; at++) {
        REQUIRE(blocks[at] = malloc(SIZE));
        memset(blocks[at], 1, SIZE);
    }
    pthread_barrier_wait(&full);
    pthread_barrier_wait(&release);
    for (size_t at = 0; at < BLOCKS; at++)
        free(blocks[at]);
    pthread_barrier_wait(&idle);
    pthread_barrier_wait(&go);
    return nothing;
}

static int threads_now(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    REQUIRE(tasks != NULL);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

int main(int argc, char **argv)
{
    (void)argv;
    static pthread_t threads[THREADS];
    printf("threads %d\n", threads_now());
    if (argc == 1)
        return finish();
    pthread_barrier_t *const barriers[] = {&full, &release, &idle, &go};
    for (size_t at = 0; at < sizeof barriers / sizeof *barriers; at++)
        REQUIRE(!pthread_barrier_init(barriers[at], NULL, THREADS + 1));
    for (size_t at = 0; at < THREADS; at++)
        REQUIRE(!pthread_create(&threads[at], NULL, thread, NULL));
    /* What all hold at once, whatever the machine's pace: some memory may have gone back by the time the last
       has freed. */
    pthread_barrier_wait(&full);
    size_t before = status_kib("VmRSS:"), now = before;
    pthread_barrier_wait(&release);
    pthread_barrier_wait(&idle);
    /* Nothing is allocated here, nor freed. */
    while (now > before / 2) {
        usleep(50 * 1000);
        now = status_kib("VmRSS:");
    }
    pthread_barrier_wait(&go);
    for (size_t at = 0; at < THREADS; at++)
        REQUIRE(!pthread_join(threads[at], NULL));
    return finish();
}
