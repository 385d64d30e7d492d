/* Every call of famalloc.h. The argument names what is tried. */

#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famalloc.h"

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, errno);   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The family of an address. */
static fam_family_t of(const void *address) {
    fam_query_t found;
    memset(&found, 0xff, sizeof found);
    CHECK(fam_query(address, &found));
    return found.family;
}

static fam_stats_t stats(fam_family_t family) {
    fam_stats_t out;
    CHECK(fam_stats(family, &out) == 0);
    return out;
}

static int all(const unsigned char *bytes, size_t from, size_t to, unsigned char value) {
    for (size_t at = from; at < to; at++)
        if (bytes[at] != value)
            return 0;
    return 1;
}

/* So that the compiler does not know what a pointer or a size is. */
static volatile size_t zero;

static void names(void) {
    CHECK(fam_family_count() == 32);
    CHECK(strcmp(fam_family_name(FAM_GENERAL), "General") == 0);
    CHECK(fam_family_name(1) == NULL);
    CHECK(fam_family_name(32) == NULL);
    CHECK(fam_family_name(FAM_NONE) == NULL);
    CHECK(fam_family("General") == FAM_GENERAL);

    char name[] = "parser";
    CHECK(fam_family(name) == 1);
    CHECK(fam_family("cache") == 2);
    name[0] = 'P';
    CHECK(strcmp(fam_family_name(1), "parser") == 0);
    CHECK(fam_family("parser") == 1 && fam_family("Parser") == 3 && fam_family("parse") == 4);
    /* What the set calls its families inside is no name. */
    CHECK(fam_family("F1") == 5);

    errno = 0;
    CHECK(fam_family("") == FAM_NONE && errno == EINVAL);
    errno = 0;
    CHECK(fam_family(NULL) == FAM_NONE && errno == EINVAL);
    for (int more = 6; more < 32; more++) {
        char other[16];
        snprintf(other, sizeof other, "number %d", more);
        CHECK(fam_family(other) == (fam_family_t)more);
    }
    errno = 0;
    CHECK(fam_family("one too many") == FAM_NONE && errno == ENOSPC);
    CHECK(fam_family("number 31") == 31);
}

static pthread_barrier_t barrier;
static fam_family_t found[8][31];

static void *ask(void *argument) {
    size_t thread = (size_t)argument;
    pthread_barrier_wait(&barrier);
    for (size_t name = 0; name < 31; name++) {
        /* Some in one order, some in another. */
        size_t which = thread % 2 ? name : 30 - name;
        char text[16];
        snprintf(text, sizeof text, "name %zu", which);
        found[thread][which] = fam_family(text);
    }
    return NULL;
}

static void race(void) {
    pthread_t threads[8];
    pthread_barrier_init(&barrier, NULL, 8);
    for (size_t thread = 0; thread < 8; thread++)
        CHECK(pthread_create(&threads[thread], NULL, ask, (void *)thread) == 0);
    for (size_t thread = 0; thread < 8; thread++)
        pthread_join(threads[thread], NULL);
    unsigned seen = 0;
    for (size_t name = 0; name < 31; name++) {
        char text[16];
        snprintf(text, sizeof text, "name %zu", name);
        for (size_t thread = 1; thread < 8; thread++)
            CHECK(found[thread][name] == found[0][name]);
        CHECK(strcmp(fam_family_name(found[0][name]), text) == 0);
        seen |= 1u << found[0][name];
    }
    CHECK(seen == 0xfffffffeu);
    CHECK(fam_check(NULL, 0) == 0);
}

static void allocation(void) {
    fam_family_t family = fam_family("objects");
    /* What was freed is not zero, so that what ends a string was put there. */
    for (int turn = 0; turn < 200; turn++) {
        void *dirt[] = {fam_malloc(family, 6), fam_malloc(family, 7)};
        memset(dirt[0], 'x', 6);
        memset(dirt[1], 'x', 7);
        fam_free(dirt[0]);
        fam_free(dirt[1]);
    }
    errno = 7;
    unsigned char *plain = fam_malloc(family, 100);
    unsigned char *zeros = fam_calloc(family, 10, 100);
    void *page = fam_aligned_alloc(family, 4096, 10);
    char *text = fam_strdup(family, "a text");
    void *nothing = fam_malloc(family, zero);
    void *large = fam_malloc(family, 100 << 10);
    void *huge = fam_calloc(family, 5, 1 << 20);
    void *elsewhere = malloc(100);
    CHECK(errno == 7);
    CHECK(plain && of(plain) == family && (size_t)plain % 16 == 0);
    CHECK(zeros && of(zeros) == family && all(zeros, 0, 1000, 0));
    CHECK(page && of(page) == family && (size_t)page % 4096 == 0);
    CHECK(text && of(text) == family && strcmp(text, "a text") == 0);
    CHECK(nothing && of(nothing) == family && nothing != plain);
    CHECK(large && of(large) == family && huge && of(huge) == family);
    CHECK(all(huge, 0, 5 << 20, 0));
    CHECK(elsewhere && of(elsewhere) == FAM_GENERAL);
    CHECK(fam_usable_size(plain) >= 100 && fam_usable_size(plain) < 200);
    CHECK(fam_usable_size(huge) >= 5 << 20 && fam_usable_size(NULL) == 0);
    CHECK(malloc_usable_size(plain) == fam_usable_size(plain));
    CHECK(stats(family).live_objects == 7 && stats(family).large_objects == 2);

    fam_free(plain);
    fam_free_sized(zeros, 1000);
    fam_free_aligned_sized(page, 4096, 10);
    free(text);
    free(nothing);
    fam_free(large);
    fam_free(huge);
    fam_free(NULL);
    fam_free_sized(NULL, 0);
    fam_free(elsewhere);
    CHECK(errno == 7);
    CHECK(stats(family).live_objects == 0 && stats(family).live_bytes == 0);

    for (fam_family_t no = 32; no != 0; no = no == 32 ? FAM_NONE : 0) {
        errno = 0;
        CHECK(fam_malloc(no, 1) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(fam_calloc(no, 1, 1) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(fam_aligned_alloc(no, 16, 1) == NULL && errno == EINVAL);
        errno = 0;
        CHECK(fam_strdup(no, "") == NULL && errno == EINVAL);
    }
    errno = 0;
    CHECK(fam_aligned_alloc(family, zero + 24, 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(fam_aligned_alloc(family, zero, 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(fam_malloc(family, zero - 1) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(fam_calloc(family, (zero - 1) / 2 + 1, 2) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(fam_aligned_alloc(family, 64, zero - 1) == NULL && errno == ENOMEM);
}

static void resizing(void) {
    fam_family_t family = fam_family("objects");
    unsigned char *it = fam_malloc(family, 10);
    memset(it, 1, 10);
    for (size_t size = 10; size < 8 << 20; size *= 3) {
        it = fam_realloc(it, size * 3);
        CHECK(it && of(it) == family && all(it, 0, size, 1));
        memset(it, 1, size * 3);
    }
    it = realloc(it, 20);
    CHECK(it && of(it) == family && all(it, 0, 20, 1));

    it = fam_realloc_discard(it, 5000);
    CHECK(it && of(it) == family && fam_usable_size(it) >= 5000);
    memset(it, 2, 5000);
    it = fam_realloc_discard(it, 3 << 20);
    CHECK(it && of(it) == family && fam_usable_size(it) >= 3 << 20);

    /* What was freed is not zero, so that zeros come from the call alone. */
    for (int turn = 0; turn < 100; turn++) {
        unsigned char *dirt = fam_malloc(family, 1000);
        memset(dirt, 3, 1000);
        fam_free(dirt);
    }
    it = fam_realloc_discard(it, 33);
    memset(it, 4, fam_usable_size(it));
    it = fam_realloc_zeroed(it, 33, 40);
    CHECK(it && all(it, 0, 33, 4) && all(it, 33, 40, 0));
    it = fam_realloc_zeroed(it, 40, 1000);
    CHECK(it && of(it) == family && all(it, 0, 33, 4) && all(it, 33, 1000, 0));
    it = fam_realloc_zeroed(it, 1000, 20);
    CHECK(it && all(it, 0, 20, 4));
    unsigned char *fresh = fam_realloc_zeroed(NULL, 77, 1000);
    CHECK(fresh && of(fresh) == FAM_GENERAL && all(fresh, 0, 1000, 0));
    CHECK(fam_realloc(fresh, zero) == NULL);

    size_t usable = fam_usable_size(it);
    memset(it, 5, 20);
    CHECK(fam_try_resize(it, usable) && !fam_try_resize(it, usable + 1));
    CHECK(fam_try_resize(it, 1) && fam_try_resize(it, zero) && all(it, 0, 20, 5));
    CHECK(!fam_try_resize(it, zero - 1) && !fam_try_resize(NULL, 1));
    CHECK(!fam_try_resize(&usable, 1));
    void *large = fam_malloc(family, 1 << 20);
    CHECK(fam_try_resize(large, 500 << 10) && fam_usable_size(large) < 1 << 20);
    errno = 0;
    CHECK(fam_realloc(it, zero - 1) == NULL && errno == ENOMEM && all(it, 0, 20, 5));
    errno = 0;
    CHECK(fam_realloc_discard(it, zero - 1) == NULL && errno == ENOMEM);
    fam_free(large);
    fam_free(it);
    CHECK(stats(family).live_objects == 0);
}

static void *in_another_thread(void *argument) {
    CHECK(fam_scope_current() == FAM_GENERAL);
    fam_family_t before = fam_scope_enter(*(fam_family_t *)argument);
    CHECK(before == FAM_GENERAL);
    /* It ends within the scope: nothing of that is left for the next. */
    return strdup("made elsewhere");
}

static void scopes(void) {
    fam_family_t outer = fam_family("outer"), inner = fam_family("inner");
    CHECK(fam_scope_current() == FAM_GENERAL);
    fam_family_t first = fam_scope_enter(outer);
    CHECK(first == FAM_GENERAL && fam_scope_current() == outer);
    char *one = strdup("one");
    fam_family_t second = fam_scope_enter(inner);
    CHECK(second == outer && fam_scope_current() == inner);
    char *two = strdup("two");
    void *named = fam_malloc(outer, 10);
    void *zeros = calloc(3, 30);
    void *aligned = aligned_alloc(64, 640);
    void *grown = realloc(NULL, 50);
    one = realloc(one, 5000);

    errno = 0;
    CHECK(fam_scope_enter(32) == FAM_NONE && errno == EINVAL);
    CHECK(fam_scope_current() == inner);
    fam_scope_leave(FAM_NONE);
    CHECK(fam_scope_current() == inner);
    fam_scope_leave(second);
    CHECK(fam_scope_current() == outer);
    char *three = strdup("three");

    pthread_t thread;
    void *made;
    CHECK(pthread_create(&thread, NULL, in_another_thread, &inner) == 0);
    CHECK(pthread_join(thread, &made) == 0);
    CHECK(fam_scope_current() == outer && of(made) == inner);

    fam_scope_leave(first);
    CHECK(fam_scope_current() == FAM_GENERAL);
    char *four = strdup("four");
    CHECK(of(one) == outer && of(two) == inner && of(three) == outer && of(four) == FAM_GENERAL);
    CHECK(of(named) == outer && of(zeros) == inner && of(aligned) == inner && of(grown) == inner);
    CHECK(strcmp(one, "one") == 0);

    CHECK(fam_scope_enter(inner) == FAM_GENERAL && fam_scope_enter(outer) == inner);
    fam_thread_reset();
    CHECK(fam_scope_current() == FAM_GENERAL);
    void *mine[] = {one, two, named, zeros, aligned, grown, three, four, made};
    for (size_t at = 0; at < sizeof mine / sizeof *mine; at++)
        free(mine[at]);
}

static void regions(void) {
    fam_family_t family = fam_family("requests");
    errno = 0;
    CHECK(fam_region_new(32) == NULL && errno == EINVAL);
    fam_region_delete(NULL);

    fam_region_t *region = fam_region_new(family), *other = fam_region_new(family);
    CHECK(region && other && fam_region_family(region) == family);
    CHECK(fam_region_bytes(region) == 0 && fam_region_limit(region) == SIZE_MAX);
    CHECK(stats(family).committed_bytes == 0);

    unsigned char *one = fam_region_alloc(region, 100);
    unsigned char *two = fam_region_alloc(region, 1);
    unsigned char *page = fam_region_aligned_alloc(region, 4096, 100);
    char *text = fam_region_strdup(region, "a text");
    CHECK(one && two && two >= one + 100 && (size_t)one % 16 == 0 && (size_t)page % 4096 == 0);
    CHECK(strcmp(text, "a text") == 0);
    CHECK(fam_region_alloc(region, zero) != fam_region_alloc(region, zero));
    memset(one, 1, 100);
    fam_query_t what;
    CHECK(fam_query(one, &what) && what.kind == FAM_REGION && what.family == family);
    CHECK(fam_region_owns(region, one) && fam_region_owns(region, page + 99));
    CHECK(!fam_region_owns(other, one) && !fam_region_owns(region, &what));
    CHECK(!fam_region_owns(region, NULL));
    CHECK(stats(family).region_bytes == fam_region_bytes(region) && fam_region_bytes(region) > 0);
    CHECK(stats(family).live_objects == 0);

    /* The latest grows where it is; others move. */
    unsigned char *last = fam_region_alloc(region, 50);
    memset(last, 2, 50);
    CHECK(fam_region_realloc(region, last, 50, 500) == last && all(last, 0, 50, 2));
    unsigned char *moved = fam_region_realloc(region, one, 100, 300);
    CHECK(moved && moved != one && all(moved, 0, 100, 1));
    CHECK(fam_region_realloc(region, NULL, 0, 8) != NULL);
    fam_region_stats_t used;
    fam_region_stats(region, &used);
    CHECK(used.chunks == 1 && used.committed_bytes == fam_region_bytes(region));
    CHECK(used.live_bytes >= 900 && used.live_bytes < 20000 && used.free_bytes == 104);
    fam_region_free(region, last, 500);
    fam_region_free(region, NULL, 5);
    fam_region_stats(region, &used);
    CHECK(used.free_bytes == 104 + 504);

    /* Nothing that was there before is touched by what comes after a mark. */
    memset(moved, 6, 300);
    fam_region_mark_t mark = fam_region_mark(region);
    fam_region_stats_t before;
    fam_region_stats(region, &before);
    for (int turn = 0; turn < 1000; turn++)
        memset(fam_region_alloc(region, 1000), 7, 1000);
    fam_region_mark_t second = fam_region_mark(region);
    unsigned char *zeros = fam_region_calloc(region, 100, 10);
    CHECK(zeros && all(zeros, 0, 1000, 0));
    fam_region_rewind(region, second);
    fam_region_rewind(region, mark);
    fam_region_stats(region, &used);
    CHECK(used.live_bytes <= before.live_bytes && all(moved, 0, 300, 6));
    /* There is dirt now where zeros are asked for. */
    zeros = fam_region_calloc(region, 100, 10);
    CHECK(zeros && all(zeros, 0, 1000, 0));
    text = fam_region_strdup(region, "a string");
    CHECK(text && strcmp(text, "a string") == 0);

    fam_region_reset(region);
    fam_region_stats(region, &used);
    CHECK(used.live_bytes == 0);
    CHECK(fam_region_shrink(region) > 0 && fam_region_bytes(region) == 0);
    CHECK(!fam_region_owns(region, one));

    fam_region_set_limit(region, 1 << 20);
    CHECK(fam_region_limit(region) == 1 << 20);
    errno = 0;
    CHECK(fam_region_alloc(region, 2 << 20) == NULL && errno == ENOMEM);
    CHECK(fam_region_alloc(region, 300 << 10) != NULL);
    errno = 0;
    CHECK(fam_region_alloc(region, zero - 1) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(fam_region_calloc(region, (zero - 1) / 2 + 1, 2) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(fam_region_aligned_alloc(region, zero + 48, 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(fam_region_realloc(region, NULL, 0, zero - 1) == NULL && errno == ENOMEM);

    fam_region_delete(region);
    fam_region_delete(other);
    CHECK(stats(family).committed_bytes == 0);
}

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
    size_t parked = mallinfo2().smblks;
    CHECK(parked > 0);
    fam_thread_collect();
    CHECK(mallinfo2().smblks == 0 && mallinfo2().smblks < parked);

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
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {
        {"names", names},     {"race", race},           {"allocation", allocation},
        {"resizing", resizing}, {"scopes", scopes},     {"regions", regions},
        {"reports", reports}, {"lifecycle", lifecycle}, {"statistics", statistics},
        {"quiet", quiet},
        {"forked", forked},
    };
    for (size_t at = 0; at < sizeof parts / sizeof *parts; at++) {
        if (count == 2 && strcmp(arguments[1], parts[at].name) == 0) {
            parts[at].run();
            return 0;
        }
    }
    fprintf(stderr, "no such part\n");
    return 2;
}
