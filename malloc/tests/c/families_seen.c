/* The calls of famalloc.h: what there is, beginnings and ends, forks. The argument names what is tried. */

#include "families.h"

struct walked {
    size_t objects, bytes;
    const void *last;
};

static void visit(void *object, size_t size, void *context) {
    struct walked *seen = context;
    CHECK(*(unsigned char *)object == 9);
    CHECK(object > seen->last);
    seen->last = object;
    seen->objects++;
    seen->bytes += size;
}

static pthread_barrier_t gate;

static void *use_and_wait(void *argument) {
    fam_free(fam_malloc(*(fam_family_t *)argument, 10));
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    fam_thread_finalize();
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    return NULL;
}

static void reports(void) {
    fam_family_t family = fam_family("walked");
    int local;
    fam_query_t answer;
    memset(&answer, 0x55, sizeof answer);
    fam_query_t untouched = answer;
    CHECK(!fam_query(&local, &answer) && !fam_query(NULL, &answer));
    CHECK(memcmp(&answer, &untouched, sizeof answer) == 0);

    char *middle = fam_malloc(family, 100);
    CHECK(fam_query(middle + 10, &answer));
    CHECK(answer.family == family && answer.kind == FAM_SLOT && answer.start == middle);
    CHECK(answer.size == fam_usable_size(middle) && answer.offset == 10);
    CHECK((char *)answer.block <= middle && answer.block_size >= 64 << 10);
    fam_free(middle);
    void *large = fam_malloc(family, 100 << 10), *huge = fam_malloc(family, 9 << 20);
    CHECK(fam_query(large, &answer) && answer.kind == FAM_LARGE);
    CHECK(fam_query((char *)huge + (5 << 20), &answer) && answer.kind == FAM_HUGE);
    CHECK(answer.start == huge && answer.offset == 5 << 20);
    fam_free(large);
    fam_free(huge);

    size_t bytes = 0, live = 0;
    for (size_t size = 1; size < 200 << 10; size = size * 2 + 1) {
        for (int turn = 0; turn < 100; turn++) {
            unsigned char *object = fam_malloc(family, size);
            *object = 9;
            if (turn % 3 == 0) {
                *object = 8;
                fam_free(object);
            } else {
                live++;
                bytes += fam_usable_size(object);
            }
        }
    }
    fam_region_t *region = fam_region_new(family);
    memset(fam_region_alloc(region, 100), 8, 100);
    struct walked seen = {0, 0, NULL};
    CHECK(fam_walk(family, visit, &seen) == 0);
    CHECK(seen.objects == live && seen.bytes == bytes);
    fam_stats_t used = stats(family);
    CHECK(used.live_objects == live && used.live_bytes == bytes && used.blocks > 0);
    CHECK(used.peak_bytes >= bytes && used.committed_bytes >= bytes);
    CHECK(used.peak_committed_bytes >= used.committed_bytes && used.limit_bytes == SIZE_MAX);
    CHECK(used.large_objects > 0 && used.large_bytes > used.large_objects << 16);
    CHECK(used.region_bytes == fam_region_bytes(region));
    CHECK(fam_stats(32, &used) == EINVAL);
    CHECK(fam_walk(32, visit, NULL) == EINVAL && fam_walk(family, NULL, NULL) == EINVAL);

    char message[100];
    memset(message, 'x', sizeof message);
    CHECK(fam_check(message, sizeof message) == 0 && message[0] == 0 && message[1] == 'x');
    CHECK(fam_check(NULL, 0) == 0);

    pthread_t thread;
    pthread_barrier_init(&gate, NULL, 2);
    CHECK(pthread_create(&thread, NULL, use_and_wait, &family) == 0);
    pthread_barrier_wait(&gate);
    seen.objects = 0;
    CHECK(fam_walk(family, visit, &seen) == EBUSY && seen.objects == 0);
    CHECK(fam_free_all(family) == EBUSY && stats(family).live_objects == live);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    /* The other still runs, but keeps nothing. */
    seen.last = NULL;
    CHECK(fam_walk(family, visit, &seen) == 0 && seen.objects == live);
    CHECK(fam_free_all(family) == 0);
    CHECK(stats(family).live_objects == 0 && stats(family).live_bytes == 0);
    CHECK(stats(family).region_bytes == fam_region_bytes(region));
    pthread_barrier_wait(&gate);
    pthread_join(thread, NULL);
    CHECK(fam_free_all(FAM_GENERAL) == EINVAL && fam_free_all(32) == EINVAL);
    fam_region_delete(region);
    CHECK(stats(family).committed_bytes == 0 && fam_check(message, sizeof message) == 0);
}

static void *work(void *argument) {
    CHECK(fam_thread_initialize());
    void *kept = fam_malloc(*(fam_family_t *)argument, 100);
    fam_thread_finalize();
    fam_thread_finalize();
    CHECK(fam_thread_initialize());
    fam_free(fam_malloc(*(fam_family_t *)argument, 100));
    return kept;
}

static void lifecycle(void) {
    fam_family_t family = fam_family("phase");
    fam_initialize();
    fam_initialize();
    unsigned char *kept = fam_malloc(family, 1000);
    memset(kept, 1, 1000);
    enum { COUNT = 20000 };
    static void *objects[COUNT];
    for (int at = 0; at < COUNT; at++)
        memset(objects[at] = fam_malloc(family, 1000), 2, 1000);
    for (int at = 0; at < COUNT; at++)
        fam_free(objects[at]);
    size_t committed = stats(family).committed_bytes;
    CHECK(committed >= 1000 * 100);
    size_t gone = fam_reclaim(1 << 20);
    CHECK(gone >= 1 << 20);
    fam_flush();
    CHECK(stats(family).committed_bytes < 1 << 20);
    CHECK(fam_flush() == 0);

    fam_free(fam_malloc(family, 24));
    struct mallinfo2 parked = mallinfo2();
    CHECK(parked.smblks > 0 && parked.fsmblks >= 24);
    fam_thread_collect();
    /* They are free still, but for all. */
    struct mallinfo2 collected = mallinfo2();
    CHECK(collected.smblks == 0 && collected.fsmblks == 0 && collected.ordblks > 0);

    pthread_t thread;
    void *made;
    CHECK(pthread_create(&thread, NULL, work, &family) == 0);
    CHECK(pthread_join(thread, &made) == 0);
    fam_free(made);

    CHECK(fam_scope_enter(family) == FAM_GENERAL);
    fam_finalize();
    CHECK(fam_scope_current() == FAM_GENERAL);
    fam_finalize();
    CHECK(all(kept, 0, 1000, 1));
    void *after = fam_malloc(family, 1000);
    CHECK(after && of(after) == family && of(kept) == family);
    fam_free(after);
    fam_free(kept);
    fam_finalize();
    CHECK(fam_flush() == 0);
    CHECK(stats(family).committed_bytes == 0 && fam_check(NULL, 0) == 0);
}

/* The functions of glibc's manual. What they write is looked at by whoever runs this. */
static void statistics(void) {
    fam_family_t family = fam_family("a<b>&\"c\"");
    struct mallinfo2 before = mallinfo2();
    /* volatile, or the compiler knows that nobody looks. */
    void *volatile large = malloc(1 << 20);
    void *huge = fam_malloc(family, 5 << 20);
    char *small[100];
    for (int at = 0; at < 100; at++)
        small[at] = fam_malloc(family, 4096);
    fam_region_t *region = fam_region_new(family);
    CHECK(fam_region_alloc(region, 10));
    struct mallinfo2 now = mallinfo2();
    CHECK(now.hblks == before.hblks + 2);
    CHECK(now.hblkhd == before.hblkhd + (6 << 20));
    CHECK(now.uordblks >= before.uordblks + 100 * 4096 + fam_region_bytes(region));
    CHECK(now.uordblks < before.uordblks + 100 * 4096 + fam_region_bytes(region) + 100000);
    CHECK(now.arena == now.uordblks + now.fordblks && now.arena > before.arena);
    CHECK(now.usmblks >= now.arena + now.hblkhd && now.keepcost == 0);
    CHECK(now.ordblks > now.smblks && now.fsmblks >= now.smblks);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo small_numbers = mallinfo();
#pragma GCC diagnostic pop
    CHECK((size_t)small_numbers.hblkhd == now.hblkhd && (size_t)small_numbers.arena == now.arena);

    CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1 && mallopt(M_ARENA_MAX, 1) == 1);
    CHECK(mallopt(M_MXFAST, 0) == 1 && mallopt(M_TRIM_THRESHOLD, 0) == 1);
    CHECK(mallopt(0, 0) == 0 && mallopt(-9, 0) == 0 && mallopt(5, 0) == 0);
    CHECK(malloc_info(1, stdout) == EINVAL);
    malloc_stats();
    CHECK(malloc_info(0, stdout) == 0);
    fam_region_delete(region);
    free(large);
    fam_free(huge);
    for (int at = 0; at < 100; at++)
        fam_free(small[at]);
    now = mallinfo2();
    CHECK(now.hblks == before.hblks && now.hblkhd == before.hblkhd);
    CHECK(malloc_trim(0) == 1);
}

static void ignore(void *object, size_t size, void *context) {
    (void)object, (void)size, (void)context;
}

/* After a fork, names, families, scopes and regions are the child's, whatever other threads had. */
static void forked(void) {
    fam_family_t family = fam_family("before");
    unsigned char *kept = fam_calloc(family, 1, 1000);
    fam_region_t *region = fam_region_new(family);
    char *text = fam_region_strdup(region, "text");
    pthread_t thread;
    pthread_barrier_init(&gate, NULL, 2);
    CHECK(pthread_create(&thread, NULL, use_and_wait, &family) == 0);
    pthread_barrier_wait(&gate);
    CHECK(fam_scope_enter(family) == FAM_GENERAL);
    pid_t child = fork();
    if (child == 0) {
        CHECK(fam_scope_current() == family && fam_family("before") == family);
        CHECK(fam_family("of the child") == 2 && strcmp(fam_family_name(2), "of the child") == 0);
        CHECK(fam_walk(family, ignore, NULL) == EBUSY && fam_walk(2, ignore, NULL) == 0);
        char *made = strdup("made");
        CHECK(of(made) == family && all(kept, 0, 1000, 0) && strcmp(text, "text") == 0);
        CHECK(fam_region_alloc(region, 1000));
        fam_region_delete(region);
        free(made);
        fam_free(kept);
        fam_finalize();
        CHECK(fam_check(NULL, 0) == 0);
        _exit(0);
    }
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    CHECK(fam_family_name(2) == NULL);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    pthread_barrier_wait(&gate);
    pthread_join(thread, NULL);
    fam_thread_reset();
    fam_region_delete(region);
    fam_free(kept);
    CHECK(fam_check(NULL, 0) == 0);
}

/* What looks, or gives back, does not allocate: whatever they asked for without naming a family would
 * come to this one. */
static void quiet(void) {
    fam_family_t family = fam_family("used"), unused = fam_family("tell-tale");
    void *object = fam_malloc(family, 100);
    fam_region_t *region = fam_region_new(family);
    CHECK(malloc_info(0, stdout) == 0);
    CHECK(fam_scope_enter(unused) == FAM_GENERAL);
    fam_query_t found;
    fam_stats_t out;
    char message[100];
    CHECK(fam_query(object, &found) && fam_stats(family, &out) == 0);
    CHECK(fam_check(message, sizeof message) == 0 && fam_walk(family, ignore, NULL) == 0);
    CHECK(mallinfo2().arena > 0 && malloc_info(0, stdout) == 0 && mallopt(M_MXFAST, 0) == 1);
    malloc_stats();
    CHECK(fam_family("used") == family && fam_family("another") == 3);
    CHECK(fam_region_strdup(region, "text") && fam_region_bytes(region) > 0);
    fam_region_delete(region);
    region = fam_region_new(family);
    fam_region_delete(region);
    fam_thread_collect();
    fam_flush();
    CHECK(fam_thread_initialize());
    fam_free(object);
    CHECK(stats(unused).peak_committed_bytes == 0);
    fam_scope_leave(FAM_GENERAL);
}

int main(int count, char **arguments) {
    static const struct part parts[] = {
        {"reports", reports},
        {"lifecycle", lifecycle},
        {"statistics", statistics},
        {"forked", forked},
        {"quiet", quiet},
    };
    return run_part(parts, sizeof parts / sizeof *parts, count, arguments);
}
