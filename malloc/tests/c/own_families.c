/* A malloc over families that were declared in Rust: tests/own_families. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "famalloc.h"

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #what, errno);   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

uint64_t *own_parser_number(void);
void *own_rust_memory(void);

enum { PARSER, CACHE, GENERAL, SECRET, FREE1, FREE2, COUNT };

static fam_family_t of(const void *address) {
    fam_query_t found;
    CHECK(fam_query(address, &found));
    return found.family;
}

int main(void) {
    static const char *const names[] = {"Parser", "Cache", "General", "Secret"};
    CHECK(fam_family_count() == COUNT);
    for (fam_family_t family = 0; family < FREE1; family++) {
        CHECK(strcmp(fam_family_name(family), names[family]) == 0);
        CHECK(fam_family(names[family]) == family);
    }
    CHECK(fam_family_name(FREE1) == NULL && fam_family_name(COUNT) == NULL);
    CHECK(fam_family("mine") == FREE1 && fam_family("Free2") == FREE2);
    errno = 0;
    CHECK(fam_family("no more") == FAM_NONE && errno == ENOSPC);

    void *volatile plain = malloc(10);
    CHECK(of(plain) == GENERAL && fam_scope_current() == GENERAL);
    CHECK(of(fam_family_name(FREE1)) == GENERAL);
    CHECK(fam_free_all(GENERAL) == EINVAL && fam_free_all(PARSER) == 0);

    uint64_t *number = own_parser_number();
    CHECK(*number == 7 && of(number) == PARSER);
    free(number);
    unsigned char *rust = own_rust_memory();
    CHECK(rust[999] == 7 && of(rust) == GENERAL);
    rust = realloc(rust, 2000);
    CHECK(rust[999] == 7);
    free(rust);

    fam_stats_t stats;
    CHECK(fam_stats(CACHE, &stats) == 0 && stats.limit_bytes == 1 << 20);
    errno = 0;
    CHECK(fam_malloc(CACHE, 2 << 20) == NULL && errno == ENOMEM);
    void *cached = fam_malloc(CACHE, 100 << 10);
    CHECK(cached && of(cached) == CACHE);
    free(cached);
    fam_region_t *region = fam_region_new(CACHE);
    CHECK(region && of(region) == GENERAL && fam_region_alloc(region, 2 << 20) == NULL);
    CHECK(fam_region_alloc(region, 100) && of(fam_region_alloc(region, 100)) == CACHE);
    fam_region_delete(region);

    CHECK(fam_scope_enter(PARSER) == GENERAL && fam_scope_enter(SECRET) == PARSER);
    void *volatile secret = malloc(10);
    CHECK(of(secret) == SECRET);
    fam_thread_finalize();
    CHECK(fam_scope_current() == GENERAL);
    free(secret);
    free(plain);
    char message[200];
    CHECK(fam_check(message, sizeof message) == 0);
    return 0;
}
