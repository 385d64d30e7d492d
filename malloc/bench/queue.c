/* queue: one thread allocates, another frees.
 *
 * Stands for pipelines, message queues, logging: the producer makes messages and passes them on in
 * batches through a bounded queue; the consumer reads and frees them. After each phase the two swap
 * their roles, so that memory which one of them freed can serve it again.
 *
 * Allocates messages of 16 to 128 bytes (7 in 10), to 1 KiB (1 in 4), to 8 KiB (1 in 20), and the
 * batches themselves; up to 32 batches of 32 to 255 messages are on their way at once.
 *
 * Prints: checksum HEX. Argument: percent of the work, 100 unless told.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 32, BATCHES = 1500 };

typedef struct {
    uint32_t size, number;
    uint8_t text[];
} message;

typedef struct {
    int count;
    message *at[];
} batch;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t between_phases;
static batch *waiting[ROOM];
static unsigned sent, received;
static int phases;
static uint64_t sums[2];

static void *get(size_t size) {
    void *p = malloc(size);
    if (!p) {
        fputs("queue: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* xorshift64*: Marsaglia 2003, Vigna 2014. */
static uint32_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)(*state * 0x2545F4914F6CDD1Dull >> 32);
}

static message *compose(uint64_t *state) {
    uint32_t r = next_random(state), which = r % 20, some = r >> 8;
    uint32_t size = which < 14   ? 16 + some % 113
                    : which < 19 ? 129 + some % 896
                                 : 1025 + some % 7168;
    message *m = get(size);
    m->size = size;
    m->number = r;
    memset(m->text, (int)(r & 0xff), size - sizeof *m);
    return m;
}

static void produce(uint64_t *state) {
    for (int i = 0; i < BATCHES; i++) {
        int count = 32 + (int)(next_random(state) % 224);
        batch *b = get(sizeof *b + (size_t)count * sizeof b->at[0]);
        b->count = count;
        for (int j = 0; j < count; j++) b->at[j] = compose(state);
        pthread_mutex_lock(&mutex);
        while (sent - received == ROOM) pthread_cond_wait(&changed, &mutex);
        waiting[sent++ % ROOM] = b;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
}

static uint64_t consume(void) {
    uint64_t sum = 0;
    for (int i = 0; i < BATCHES; i++) {
        pthread_mutex_lock(&mutex);
        while (sent == received) pthread_cond_wait(&changed, &mutex);
        batch *b = waiting[received++ % ROOM];
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
        for (int j = 0; j < b->count; j++) {
            message *m = b->at[j];
            uint32_t length = m->size - (uint32_t)sizeof *m;
            sum = sum * 31 + m->number + length + m->text[length / 2] + m->text[length - 1];
            free(m);
        }
        free(b);
    }
    return sum;
}

static void *take_turns(void *arg) {
    int own = *(int *)arg;
    uint64_t state = 0x9E3779B97F4A7C15ull * (uint64_t)(own + 1);
    for (int phase = 0; phase < phases; phase++) {
        if (phase % 2 == own) produce(&state);
        else sums[own] = sums[own] * 7 + consume();
        pthread_barrier_wait(&between_phases);
    }
    return NULL;
}

int main(int argc, char **argv) {
    phases = 2 + 42 * (argc > 1 ? atoi(argv[1]) : 100) / 100;
    pthread_t threads[2];
    int own[2] = {0, 1};
    pthread_barrier_init(&between_phases, NULL, 2);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, take_turns, &own[i])) return 1;
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    printf("checksum %016llx\n", (unsigned long long)(sums[0] * 31 + sums[1]));
    return 0;
}
