/* Lists, strings and every way of asking for memory; it sums what it keeps, so a changed byte shows. */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    size_t length;
    unsigned char bytes[];
};

static uint32_t chance(uint32_t *seed, uint32_t bound)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % bound;
}

static uint64_t sum(const unsigned char *bytes, size_t length)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

static void *work(void *argument)
{
    uint32_t seed = (uint32_t)(uintptr_t)argument;
    struct node *heads[64] = {0};
    uint64_t total = 0;
    for (int step = 0; step < 60000; step++) {
        uint32_t at = chance(&seed, 64);
        if (chance(&seed, 3) && heads[at]) {
            struct node *gone = heads[at];
            heads[at] = gone->next;
            total += sum(gone->bytes, gone->length);
            free(gone);
            continue;
        }
        size_t length = chance(&seed, chance(&seed, 20) ? 200 : 20000);
        struct node *made = chance(&seed, 2) ? malloc(sizeof *made + length) : calloc(1, sizeof *made + length);
        made->length = length;
        memset(made->bytes, (int)chance(&seed, 256), length);
        if (chance(&seed, 5) == 0) {
            made = realloc(made, sizeof *made + 2 * length);
            memcpy(made->bytes + length, made->bytes, length);
            made->length = 2 * length;
        }
        made->next = heads[at];
        heads[at] = made;
    }
    for (int at = 0; at < 64; at++)
        while (heads[at]) {
            struct node *gone = heads[at];
            heads[at] = gone->next;
            total += sum(gone->bytes, gone->length);
            free(gone);
        }
    return (void *)(uintptr_t)total;
}

int main(void)
{
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < 4; i++) {
        void *total;
        pthread_join(threads[i], &total);
        printf("%d %llx\n", i, (unsigned long long)(uintptr_t)total);
    }
    for (size_t align = 16; align <= 65536; align *= 2) {
        void *memory = NULL;
        int error = posix_memalign(&memory, align, 3 * align);
        printf("%zu %d %d\n", align, error, (uintptr_t)memory % align == 0);
        memset(memory, 1, malloc_usable_size(memory));
        free(memory);
    }
    char *line = NULL;
    size_t room = 0;
    FILE *stream = open_memstream(&line, &room);
    for (int i = 0; i < 5000; i++)
        fprintf(stream, "%d,", i * i);
    fclose(stream);
    printf("%zu %llx\n", room, (unsigned long long)sum((unsigned char *)line, room));
    free(line);
    char *copy = strdup("a copy"), *some = strndup("only some of it", 9);
    printf("%s %s\n", copy, some);
    free(copy);
    free(some);
    return 0;
}
