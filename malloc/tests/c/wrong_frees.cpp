/* Programs that free wrongly, a small one for each argument. Each says so when it has got past its error, and
   then ends as if nothing had happened: so whoever runs it sees whether the error was noticed at once, by
   the end, or not at all. "list" prints all with what is expected of the library as it is shipped; a build
   with its assertions may be earlier. */
#include "check.h"
#include <new>
#include <string>
#include <sys/mman.h>

/* Noticed at once; by the end of the program; at once, by whatever malloc gets the foreign address; not
   at all: the reason is beside it. */
enum expected { AT_ONCE, BY_THE_END, BY_THE_NEXT, UNNOTICED };
static const char *const WORDS[] = { "at_once", "by_the_end", "by_the_next", "unnoticed" };

static char *block(size_t size)
{
    char *made = (char *)malloc(amount(size));
    REQUIRE(made != NULL);
    memset(made, 0, size);
    return made;
}
static void give(void *pointer) { free(hidden(pointer)); }

/* Frees so many others of a size between the first free of a block and the second. */
static void twice_with(size_t size, size_t between, size_t size_of_those)
{
    char *first = block(size), *others[1000];
    REQUIRE(between <= COUNT(others));
    for (size_t at = 0; at < between; at++)
        others[at] = block(size_of_those);
    give(first);
    for (size_t at = 0; at < between; at++)
        give(others[at]);
    give(first);
}

static void twice(void) { twice_with(100, 0, 0); }
static void twice_after_1(void) { twice_with(100, 1, 100); }
static void twice_after_2(void) { twice_with(100, 2, 100); }
static void twice_after_10(void) { twice_with(100, 10, 100); }
static void twice_after_200(void) { twice_with(100, 200, 100); }
static void twice_after_1000(void) { twice_with(100, 1000, 100); }
static void twice_after_other_sizes(void) { twice_with(100, 50, 300); }
static void twice_tiny(void) { twice_with(5, 1, 5); }
static void twice_kilobyte(void) { twice_with(1000, 1, 1000); }
static void twice_pages(void) { twice_with(20000, 1, 20000); }
static void twice_granules(void) { twice_with(100000, 1, 100000); }
static void twice_large(void) { twice_with(3 * MIB, 1, 3 * MIB); }
static void twice_huge(void) { twice_with(64 * MIB, 1, 100); }
static void twice_by_turns(void)
{
    char *one = block(100), *other = block(100);
    for (int turn = 0; turn < 2; turn++) {
        give(one);
        give(other);
    }
}
static void twice_after_allocations(void)
{
    char *first = block(100), *kept[50];
    give(first);
    for (size_t at = 0; at < COUNT(kept); at++)
        kept[at] = block(300);
    give(first);
    give(kept[0]);
}
/* The slot is somebody else's by then, who gets what was freed last. */
static void twice_with_another(void)
{
    char *first = block(100);
    give(first);
    hidden(block(100));
    give(first);
}
/* Both owners of one slot, which the second free made, free it. */
static void twice_and_two_owners(void)
{
    char *first = block(100), *between = block(100);
    give(first);
    give(between);
    give(first);
    char *one = block(100), *two = block(100), *three = block(100);
    give(one);
    give(two);
    give(three);
}

static pthread_barrier_t both;
static void *give_in_thread(void *pointer)
{
    give(pointer);
    return NULL;
}
static void *give_and_wait(void *pointer)
{
    give(pointer);
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return NULL;
}
static void *twice_here(void *pointer)
{
    char *other = block(100);
    give(pointer);
    give(other);
    give(pointer);
    return NULL;
}
static void twice_after_a_thread(void)
{
    pthread_t thread;
    char *first = block(100);
    REQUIRE(pthread_create(&thread, NULL, give_in_thread, first) == 0);
    pthread_join(thread, NULL);
    give(first);
}
static void twice_in_two_threads(void)
{
    pthread_t thread;
    char *first = block(100);
    pthread_barrier_init(&both, NULL, 2);
    REQUIRE(pthread_create(&thread, NULL, give_and_wait, first) == 0);
    pthread_barrier_wait(&both);
    give(first);
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
}
static void twice_in_a_thread(void)
{
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, twice_here, block(100)) == 0);
    pthread_join(thread, NULL);
}

static void inside_by(size_t size, ptrdiff_t by) { give(block(size) + by); }
static void inside_1(void) { inside_by(200, 1); }
static void inside_8(void) { inside_by(200, 8); }
static void inside_16(void) { inside_by(200, 16); }
static void inside_half(void) { inside_by(256, 128); }
static void inside_last(void) { inside_by(200, 199); }
static void inside_small(void) { inside_by(24, 8); }
static void inside_pages(void) { inside_by(20000, 4096); }
static void inside_granules_16(void) { inside_by(100000, 16); }
static void inside_granules_64k(void) { inside_by(200000, 65536); }
static void inside_huge(void) { inside_by(64 * MIB, 32 * MIB); }
static void before_1(void) { inside_by(200, -1); }
static void before_8(void) { inside_by(200, -8); }
static void before_16(void) { inside_by(200, -16); }
static void behind(void)
{
    char *first = block(200);
    give(first + malloc_usable_size(first));
}
static void behind_large(void)
{
    char *first = block(3 * MIB);
    give(first + malloc_usable_size(first));
}

static char of_static[256] __attribute__((aligned(64)));
static void of_stack(void)
{
    char here[256] __attribute__((aligned(64))) = { 0 };
    give(here + 64);
}
static void of_statics(void) { give(of_static + 64); }
static void of_text(void) { give((void *)"a text that nobody allocated"); }
static void of_code(void) { give((void *)(((uintptr_t)of_code + 64) & ~(uintptr_t)15)); }
static void of_a_mapping(void)
{
    char *pages = (char *)mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    give(pages + 4096);
}
static void of_a_small_number(void) { give((void *)(uintptr_t)amount(8)); }

static void resized_after_free(void)
{
    char *first = block(100), *other = block(100);
    give(first);
    give(other);
    hidden(realloc(hidden(first), 1000));
}
static void resized_after_free_in_place(void)
{
    char *first = block(100), *other = block(100);
    give(first);
    give(other);
    hidden(realloc(hidden(first), 90));
}
static void resized_last_freed(void)
{
    char *first = block(100);
    give(first);
    hidden(realloc(hidden(first), 90));
}
static void resized_kilobyte_after_free(void)
{
    char *first = block(1000), *other = block(1000);
    give(first);
    give(other);
    hidden(realloc(hidden(first), 3000));
}
static void resized_inside_kilobyte(void) { hidden(realloc(hidden(block(1000) + 16), 3000)); }
static void resized_inside(void) { hidden(realloc(hidden(block(200) + 16), 1000)); }
static void resized_inside_in_place(void) { hidden(realloc(hidden(block(200) + 16), 190)); }
static void resized_after_free_large(void)
{
    char *first = block(3 * MIB);
    give(first);
    hidden(realloc(hidden(first), 100));
}
static void measured_after_free(void)
{
    char *first = block(100);
    give(first);
    amount(malloc_usable_size(hidden(first)));
}
static void measured_inside(void) { amount(malloc_usable_size(hidden(block(200) + 16))); }

extern "C" void free_sized(void *, size_t) __attribute__((weak));
static void sized_by_delete(size_t size, size_t claimed)
{
    ::operator delete(hidden(::operator new(amount(size))), amount(claimed));
}
static void sized_too_small(void) { sized_by_delete(200, 20); }
static void sized_too_large(void) { sized_by_delete(200, 2000); }
static void sized_a_little_off(void) { sized_by_delete(200, 150); }
static void sized_large(void) { sized_by_delete(200, 3 * MIB); }
static void sized_of_large(void) { sized_by_delete(3 * MIB, 200); }
static void sized_by_c(void)
{
    if (free_sized)
        free_sized(hidden(block(200)), amount(300));
}
/* Memory that was made smaller may have stayed where it was, so C does not mind. */
static void sized_by_c_less(void)
{
    if (free_sized)
        free_sized(hidden(block(200)), amount(20));
}
static void array_delete_of_one(void)
{
    std::string *one = (std::string *)hidden(new std::string("a text too long to lie in the string itself"));
    delete[] one;
}
static void delete_of_an_array(void)
{
    std::string *several = (std::string *)hidden(new std::string[3]);
    delete several;
}
struct small { char bytes[40]; };
struct large { char bytes[400]; };
static void delete_as_another_type(void) { delete (struct large *)hidden(new small); }
/* Different names for one thing. */
static void malloc_and_delete(void) { ::operator delete(hidden(block(100))); }

static const struct {
    const char *name;
    void (*run)(void);
    enum expected expected;
} ERRORS[] = {
#define ERROR(name, expected) { #name, name, expected }
    ERROR(twice, AT_ONCE),
    ERROR(twice_after_1, BY_THE_END),
    ERROR(twice_after_2, BY_THE_END),
    ERROR(twice_after_10, BY_THE_END),
    ERROR(twice_after_200, BY_THE_END),
    ERROR(twice_after_1000, BY_THE_END),
    ERROR(twice_after_other_sizes, AT_ONCE),
    ERROR(twice_tiny, BY_THE_END),
    ERROR(twice_kilobyte, BY_THE_END),
    ERROR(twice_pages, BY_THE_END),
    ERROR(twice_granules, AT_ONCE),
    ERROR(twice_large, AT_ONCE),
    ERROR(twice_huge, AT_ONCE),
    ERROR(twice_by_turns, BY_THE_END),
    ERROR(twice_after_allocations, AT_ONCE),
    ERROR(twice_with_another, UNNOTICED),
    ERROR(twice_and_two_owners, BY_THE_END),
    ERROR(twice_after_a_thread, BY_THE_END),
    ERROR(twice_in_two_threads, BY_THE_END),
    ERROR(twice_in_a_thread, BY_THE_END),
    ERROR(inside_1, AT_ONCE),
    ERROR(inside_8, AT_ONCE),
    ERROR(inside_16, BY_THE_END),
    ERROR(inside_half, BY_THE_END),
    ERROR(inside_last, AT_ONCE),
    ERROR(inside_small, AT_ONCE),
    ERROR(inside_pages, BY_THE_END),
    ERROR(inside_granules_16, AT_ONCE),
    ERROR(inside_granules_64k, AT_ONCE),
    ERROR(inside_huge, AT_ONCE),
    ERROR(before_1, AT_ONCE),
    ERROR(before_8, AT_ONCE),
    ERROR(before_16, BY_THE_END),
    ERROR(behind, AT_ONCE),
    ERROR(behind_large, AT_ONCE),
    ERROR(of_stack, BY_THE_NEXT),
    ERROR(of_statics, BY_THE_NEXT),
    ERROR(of_text, BY_THE_NEXT),
    ERROR(of_code, BY_THE_NEXT),
    ERROR(of_a_mapping, BY_THE_NEXT),
    ERROR(of_a_small_number, BY_THE_NEXT),
    ERROR(resized_after_free, BY_THE_END),
    /* Stays where it is, and is free: noticed when it is freed again. */
    ERROR(resized_after_free_in_place, UNNOTICED),
    ERROR(resized_last_freed, AT_ONCE),
    ERROR(resized_kilobyte_after_free, BY_THE_END),
    ERROR(resized_inside, BY_THE_END),
    ERROR(resized_inside_kilobyte, AT_ONCE),
    /* As above. */
    ERROR(resized_inside_in_place, UNNOTICED),
    ERROR(resized_after_free_large, AT_ONCE),
    ERROR(measured_after_free, AT_ONCE),
    ERROR(measured_inside, AT_ONCE),
    ERROR(sized_too_small, AT_ONCE),
    ERROR(sized_too_large, AT_ONCE),
    ERROR(sized_a_little_off, AT_ONCE),
    ERROR(sized_large, AT_ONCE),
    ERROR(sized_of_large, AT_ONCE),
    ERROR(sized_by_c, AT_ONCE),
    ERROR(sized_by_c_less, UNNOTICED),
    ERROR(array_delete_of_one, AT_ONCE),
    ERROR(delete_of_an_array, AT_ONCE),
    ERROR(delete_as_another_type, AT_ONCE),
    /* They are one function. */
    ERROR(malloc_and_delete, UNNOTICED),
};

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    for (size_t at = 0; at < COUNT(ERRORS); at++) {
        if (strcmp(argv[1], "list") == 0)
            printf("%s %s\n", ERRORS[at].name, WORDS[ERRORS[at].expected]);
        else if (strcmp(argv[1], ERRORS[at].name) == 0) {
            ERRORS[at].run();
            /* Not by a buffer. */
            return write(1, "past\n", 5) == 5 ? 0 : 3;
        }
    }
    return strcmp(argv[1], "list") == 0 ? 0 : 2;
}
