/* The calls of famalloc.h: names, memory, scopes, regions. The argument names what is tried. */

#include "families.h"

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
    errno = 7;
    CHECK(fam_try_resize(it, usable) == it && fam_try_resize(it, usable + 1) == NULL);
    CHECK(fam_try_resize(it, 1) == it && fam_try_resize(it, zero) == it && all(it, 0, 20, 5));
    CHECK(fam_try_resize(it, zero - 1) == NULL && fam_try_resize(NULL, 1) == NULL);
    CHECK(fam_try_resize(&usable, 1) == NULL && errno == 7);
    void *large = fam_malloc(family, 1 << 20);
    CHECK(fam_try_resize(large, 500 << 10) == large && fam_usable_size(large) < 1 << 20);
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

int main(int count, char **arguments) {
    static const struct part parts[] = {
        {"names", names},
        {"race", race},
        {"allocation", allocation},
        {"resizing", resizing},
        {"scopes", scopes},
        {"regions", regions},
    };
    return run_part(parts, sizeof parts / sizeof *parts, count, arguments);
}
