/* What the C library allocates for its callers to free, and what it allocates for itself: both
   come from this malloc, or at least go with it. */
#include "check.h"
#include <dirent.h>
#include <locale.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>

static int by_number(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

static void keep(void *unused) { (void)unused; }

int main(void)
{
    for (int turn = 0; turn < 50; turn++) {
        char *text = strdup("some text");
        CHECK(text && strcmp(text, "some text") == 0);
        text = realloc(text, 5000);
        CHECK(text && strcmp(text, "some text") == 0);
        free(text);
        free(strndup("some text", 4));
        free(wcsdup(L"wide"));

        REQUIRE(asprintf(&text, "%0*d", 3000 + turn, 7) == 3000 + turn);
        CHECK(text[2999 + turn] == '7');
        free(text);

        char *folder = getcwd(NULL, 0);
        CHECK(folder != NULL);
        free(folder);
        char *path = realpath("/", NULL);
        CHECK(path && strcmp(path, "/") == 0);
        free(path);

        size_t length = 0;
        FILE *memory = open_memstream(&text, &length);
        REQUIRE(memory != NULL);
        for (int at = 0; at < 3000; at++)
            fprintf(memory, "%d,", at);
        fclose(memory);
        CHECK(length > 10000 && text[0] == '0');
        free(text);

        FILE *file = fopen("/proc/self/maps", "r");
        REQUIRE(file != NULL);
        char *line = NULL;
        size_t room = 0, lines = 0;
        while (getline(&line, &room, file) > 0)
            lines++;
        CHECK(lines > 3);
        free(line);
        fclose(file);

        struct dirent **names;
        int found = scandir("/proc/self", &names, NULL, alphasort);
        CHECK(found > 5);
        for (int at = 0; at < found; at++)
            free(names[at]);
        free(names);

        regex_t pattern;
        REQUIRE(regcomp(&pattern, "(a|b)*[c-f]+(gh){2,5}", REG_EXTENDED) == 0);
        CHECK(regexec(&pattern, "ababcdefghghgh", 0, NULL, 0) == 0);
        regfree(&pattern);

        /* Large enough that qsort asks for memory. */
        enum { MANY = 40000 };
        int *numbers = malloc(MANY * sizeof *numbers);
        REQUIRE(numbers != NULL);
        for (int at = 0; at < MANY; at++)
            numbers[at] = at * 7919 % MANY;
        qsort(numbers, MANY, sizeof *numbers, by_number);
        for (int at = 0; at < MANY; at++)
            CHECK(numbers[at] == at);
        free(numbers);

        setlocale(LC_ALL, turn % 2 ? "C" : "C.UTF-8");
        static int keys[300];
        void *root = NULL;
        for (int at = 0; at < 300; at++) {
            keys[at] = at * 7 % 300;
            CHECK(tsearch(&keys[at], &root, by_number) != NULL);
        }
        tdestroy(root, keep);
        setenv("CONFORMANCE", turn % 2 ? "one" : "another and longer", 1);
        FILE *pipe = popen("echo out", "r");
        REQUIRE(pipe != NULL);
        char word[10] = "";
        CHECK(fscanf(pipe, "%9s", word) == 1 && strcmp(word, "out") == 0);
        CHECK(pclose(pipe) == 0);
    }
    return finish();
}
