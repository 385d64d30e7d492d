/* server: two lines of worker threads that inherit each other's blocks.
 *
 * Stands for network servers that run for long: each worker owns an array of live blocks and keeps
 * replacing one at random; some blocks it hands to whoever comes by, who frees them. After a while a
 * worker dies, having started its successor, which takes over the array: from then on most blocks
 * were allocated by a thread that is no more.
 *
 * Allocates blocks of 16 to 500 bytes, one in 64 up to 16 KiB; each worker holds 8,000.
 *
 * Prints: checksum HEX, the sum over all blocks ever freed, so that it does not depend on which
 * thread was faster. Argument: percent of the work, 100 unless told.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 2, HELD = 8000, COUNTER = 512, LIFE = 100000 };

typedef struct {
    uint32_t size, mark;
} block;

typedef struct {
    pthread_t thread;
    uint64_t state;
    int lives; /* How many workers are still to come in this line. */
    block *held[HELD];
} line;

static line lines[LINES];
static _Atomic(block *) counter[COUNTER]; /* Where blocks are left for others. */
static atomic_uint_least64_t sum;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static int running = LINES;

static void fail(const char *what) {
    fprintf(stderr, "server: %s\n", what);
    exit(1);
}

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545F4914F6CDD1Dull >> 32);
}

static block *make(uint64_t *state) {
    uint32_t r = next_random(state);
    uint32_t size = 16 + (r % 64 ? (r >> 8) % 485 : (r >> 8) % 16369);
    block *b = malloc(size);
    if (!b) fail("out of memory");
    memset(b, (int)(r & 0xff), size);
    b->size = size;
    b->mark = r;
    return b;
}

static uint64_t end(block *b) {
    if (!b) return 0;
    if (b->size > sizeof *b && ((uint8_t *)b)[b->size - 1] != (b->mark & 0xff))
        fail("a block lost its contents");
    uint64_t digest = (uint64_t)b->size * b->mark;
    free(b);
    return digest;
}

static void *work(void *arg) {
    line *own = arg;
    uint64_t state = own->state, freed = 0;
    for (int i = 0; i < LIFE; i++) {
        block **at = &own->held[next_random(&state) % HELD];
        freed += end(*at);
        *at = make(&state);
        if (i % 4) continue;
        block *gift = make(&state);
        freed += end(atomic_exchange(&counter[next_random(&state) % COUNTER], gift));
    }
    atomic_fetch_add(&sum, freed);
    own->state = state;
    if (--own->lives > 0) {
        pthread_t successor;
        if (pthread_create(&successor, NULL, work, own)) fail("no thread");
        pthread_detach(successor);
    } else {
        pthread_mutex_lock(&mutex);
        running--;
        pthread_cond_signal(&ended);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

int main(int argc, char **argv) {
    int percent = argc > 1 ? atoi(argv[1]) : 100;
    for (int i = 0; i < LINES; i++) {
        lines[i].state = 0x9E3779B97F4A7C15ull * (uint64_t)(i + 1);
        lines[i].lives = 1 + percent * 80 / 100;
        if (pthread_create(&lines[i].thread, NULL, work, &lines[i])) fail("no thread");
        pthread_detach(lines[i].thread);
    }
    pthread_mutex_lock(&mutex);
    while (running) pthread_cond_wait(&ended, &mutex);
    pthread_mutex_unlock(&mutex);

    uint64_t freed = 0;
    for (int i = 0; i < LINES; i++)
        for (int j = 0; j < HELD; j++) freed += end(lines[i].held[j]);
    for (int i = 0; i < COUNTER; i++) freed += end(atomic_exchange(&counter[i], NULL));
    printf("checksum %016llx\n", (unsigned long long)(atomic_load(&sum) + freed));
    return 0;
}
