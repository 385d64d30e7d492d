/* What the options in the environment do, in figures on standard output: a name and a number for each. The
   test that runs this compares those of different environments. */
#include "check.h"

/* All addresses, the largest mapping of them, and how many are in large ones in which the system is told
   that huge pages are not wanted. */
static void mappings(void)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    REQUIRE(file != NULL);
    char line[1000];
    size_t largest = 0, size = 0, refused = 0, first, last;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%zx-%zx ", &first, &last) == 2)
            size = last - first;
        if (size > largest)
            largest = size;
        if (size >= 16 * MIB && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " nh"))
            refused += size;
    }
    fclose(file);
    printf("addresses_mib %zu\nlargest_mib %zu\nrefused_mib %zu\n", status_kib("VmSize") / KIB, largest / MIB, refused / MIB);
}

int main(void)
{
    /* Sixty blocks of a mebibyte, in use and then not. */
    char *blocks[60];
    free(malloc(100));
    mappings();
    size_t before = resident_kib();
    for (size_t at = 0; at < COUNT(blocks); at++) {
        blocks[at] = malloc(MIB);
        REQUIRE(blocks[at] != NULL);
        memset(blocks[at], 1, MIB);
    }
    size_t used = resident_kib();
    for (size_t at = 0; at < COUNT(blocks); at++)
        free(blocks[at]);
    size_t kept = resident_kib();
    /* Longer than the usual delay, and an occasion. */
    struct timespec pause = { 0, 700000000 };
    nanosleep(&pause, NULL);
    for (int turn = 0; turn < 2000; turn++)
        free(malloc(3 * MIB));
    size_t later = resident_kib();
    CHECKF(used > before + 55 * KIB, "%zu KiB became %zu KiB", before, used);
    printf("kept_mib %zd\nlater_mib %zd\n", (kept - before) / (ssize_t)KIB, (ssize_t)(later - before) / (ssize_t)KIB);
    malloc_info(0, stdout);
    return finish();
}
