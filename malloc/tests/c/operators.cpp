// operator new and delete in all their forms, by name: plain and array, nothrow, sized, aligned, and
// what combines them. Size 0 gives unique pointers, delete of null does nothing, impossible sizes
// throw std::bad_alloc or give null.
#include "check.h"
#include <new>
#include <set>

using std::align_val_t;
using std::nothrow;

// One for each way to allocate; `alignment` is for those that take one.
struct Way {
    const char *name;
    void *(*give)(size_t size, align_val_t alignment);
    bool throws, aligned, array;
};
static const Way WAYS[] = {
    { "new", [](size_t size, align_val_t) { return ::operator new(size); }, true, false, false },
    { "new[]", [](size_t size, align_val_t) { return ::operator new[](size); }, true, false, true },
    { "new nothrow", [](size_t size, align_val_t) { return ::operator new(size, nothrow); }, false, false, false },
    { "new[] nothrow", [](size_t size, align_val_t) { return ::operator new[](size, nothrow); }, false, false, true },
    { "new align", [](size_t size, align_val_t a) { return ::operator new(size, a); }, true, true, false },
    { "new[] align", [](size_t size, align_val_t a) { return ::operator new[](size, a); }, true, true, true },
    { "new align nothrow", [](size_t size, align_val_t a) { return ::operator new(size, a, nothrow); }, false, true, false },
    { "new[] align nothrow", [](size_t size, align_val_t a) { return ::operator new[](size, a, nothrow); }, false, true, true },
};

// One for each way to free.
struct End {
    const char *name;
    void (*take)(void *block, size_t size, align_val_t alignment);
    bool aligned, array;
};
static const End ENDS[] = {
    { "delete", [](void *block, size_t, align_val_t) { ::operator delete(block); }, false, false },
    { "delete[]", [](void *block, size_t, align_val_t) { ::operator delete[](block); }, false, true },
    { "delete sized", [](void *block, size_t size, align_val_t) { ::operator delete(block, size); }, false, false },
    { "delete[] sized", [](void *block, size_t size, align_val_t) { ::operator delete[](block, size); }, false, true },
    { "delete nothrow", [](void *block, size_t, align_val_t) { ::operator delete(block, nothrow); }, false, false },
    { "delete[] nothrow", [](void *block, size_t, align_val_t) { ::operator delete[](block, nothrow); }, false, true },
    { "delete align", [](void *block, size_t, align_val_t a) { ::operator delete(block, a); }, true, false },
    { "delete[] align", [](void *block, size_t, align_val_t a) { ::operator delete[](block, a); }, true, true },
    { "delete sized align", [](void *block, size_t size, align_val_t a) { ::operator delete(block, size, a); }, true, false },
    { "delete[] sized align", [](void *block, size_t size, align_val_t a) { ::operator delete[](block, size, a); }, true, true },
    { "delete align nothrow", [](void *block, size_t, align_val_t a) { ::operator delete(block, a, nothrow); }, true, false },
    { "delete[] align nothrow", [](void *block, size_t, align_val_t a) { ::operator delete[](block, a, nothrow); }, true, true },
};

static const size_t SIZES[] = { 0, 1, 7, 8, 15, 16, 17, 40, 100, 1000, 4096, 5000, 32768, 70000, 1000000, 5000000 };
static const size_t ALIGNMENTS[] = { 1, 2, 8, 16, 32, 64, 128, 512, 4096, 8192, 65536, 2 * MIB };

static void pair(const Way &way, const End &end, size_t size, size_t alignment)
{
    enum { AT_ONCE = 4 };
    void *blocks[AT_ONCE];
    size_t least = way.aligned ? alignment : size >= __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? __STDCPP_DEFAULT_NEW_ALIGNMENT__ : 8;
    for (int at = 0; at < AT_ONCE; at++) {
        blocks[at] = way.give(size, align_val_t(alignment));
        CHECKF(blocks[at] != nullptr, "%s of %zu", way.name, size);
        CHECKF(aligned_to(blocks[at], least), "%s of %zu at %zu: %p", way.name, size, least, blocks[at]);
        fill(blocks[at], size, at);
        for (int other = 0; other < at; other++)
            CHECKF(blocks[other] != blocks[at], "%s of %zu", way.name, size);
    }
    for (int at = 0; at < AT_ONCE; at++) {
        CHECKF(intact(blocks[at], size, at), "%s, %s of %zu", way.name, end.name, size);
        end.take(blocks[at], size, align_val_t(alignment));
    }
}

static const size_t IMPOSSIBLE[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 64, SIZE_MAX - 5000, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX, (size_t)1 << 56 };

static void fails(const Way &way, size_t size, size_t alignment)
{
    bool caught = false;
    void *block = nullptr;
    try {
        block = way.give(amount(size), align_val_t(alignment));
    } catch (const std::bad_alloc &error) {
        caught = true;
        CHECK(error.what() != nullptr);
    }
    CHECKF(block == nullptr, "%s of %zx", way.name, size);
    CHECKF(caught == way.throws, "%s of %zx", way.name, size);
}

struct alignas(256) Wide { char bytes[300]; };
struct Throws { char bytes[200]; Throws() { throw 5; } };
struct Counted { static int live; char byte; Counted() { live++; } ~Counted() { live--; } };
int Counted::live = 0;

int main()
{
    for (const Way &way : WAYS)
        for (const End &end : ENDS)
            if (way.aligned == end.aligned && way.array == end.array)
                for (size_t size : SIZES)
                    for (size_t alignment : ALIGNMENTS)
                        // The large ones at one alignment: they cost.
                        if (way.aligned ? size < 50000 || alignment == 64 : alignment == 1)
                            pair(way, end, size, alignment);
    for (const End &end : ENDS)
        end.take(nullptr, 8, align_val_t(32));
    for (const Way &way : WAYS)
        for (size_t size : IMPOSSIBLE)
            for (size_t alignment : { 32, 4096 })
                fails(way, size, alignment);

    std::set<void *> zeroes;
    for (int at = 0; at < 1000; at++)
        CHECK(zeroes.insert(WAYS[at % COUNT(WAYS)].give(0, align_val_t(32))).second);
    int at = 0;
    for (void *zero : zeroes)
        CHECKF(zero != nullptr, "%d", at++);

    // As the language calls them.
    for (int turn = 0; turn < 100; turn++) {
        Wide *wide = new Wide, *wides = new Wide[3];
        CHECK(aligned_to(hidden(wide), 256) && aligned_to(hidden(wides), 256));
        delete wide;
        delete[] wides;
        Counted *many = new Counted[turn];
        CHECK(Counted::live == turn);
        delete[] many;
        CHECK(Counted::live == 0);
    }
    // A constructor that throws: the memory is freed by the delete that goes with the new.
    size_t before = resident_kib();
    for (int turn = 0; turn < 200000; turn++) {
        try {
            hidden(new Throws);
            CHECK(!"thrown");
        } catch (int) {
        }
    }
    CHECK(resident_kib() < before + 8 * KIB);
    // An array whose size overflows: std::bad_array_new_length, a bad_alloc.
    bool caught = false;
    try {
        hidden(new Wide[amount(SIZE_MAX / 4)]);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    CHECK(caught);
    return finish();
}
