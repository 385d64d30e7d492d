// A program with an operator new[] and delete[] of its own, and none for single objects: by the standard
// ([new.delete.array]) the nothrow form of new[], and the forms of delete[] that know a size or the tag,
// call these. They serve from an arena that nobody else knows, so a block that is given or taken past
// them breaks the program.
#include "check.h"
#include <memory>
#include <new>
#include <string>
#include <vector>

alignas(4096) static char arena[1 << 20];
static size_t used;
static int news, aligned_news, deletes, aligned_deletes;

static bool in_arena(const void *block)
{
    return block >= arena && block < arena + sizeof arena;
}
static void *take(size_t size, size_t align)
{
    size_t start = (used + align - 1) / align * align;
    if (start > sizeof arena || size > sizeof arena - start)
        throw std::bad_alloc();
    used = start + size;
    return arena + start;
}
void *operator new[](size_t size)
{
    news++;
    return take(size, 16);
}
void *operator new[](size_t size, std::align_val_t align)
{
    aligned_news++;
    return take(size, (size_t)align);
}
void operator delete[](void *block) noexcept
{
    deletes++;
    CHECKF(in_arena(block), "%p", block);
}
void operator delete[](void *block, std::align_val_t) noexcept
{
    aligned_deletes++;
    CHECKF(in_arena(block), "%p", block);
}

static const std::align_val_t LINE = std::align_val_t(64);

static void counted(const char *form, bool aligned, void *(*give)(), void (*back)(void *))
{
    news = aligned_news = deletes = aligned_deletes = 0;
    void *block = give();
    CHECKF(in_arena(block), "%s: not the program's", form);
    CHECKF(news == !aligned && aligned_news == aligned, "%s: %d, %d", form, news, aligned_news);
    memset(block, 1, 100);
    if (!in_arena(block))
        return;
    back(block);
    CHECKF(deletes == !aligned && aligned_deletes == aligned, "%s: %d, %d", form, deletes, aligned_deletes);
}

struct alignas(64) Line {
    char bytes[64];
    ~Line() { bytes[0] = 1; }
};

int main()
{
    auto plain = [](void *block) { ::operator delete[](block); };
    auto aligned = [](void *block) { ::operator delete[](block, LINE); };
    counted("new[]", false, [] { return ::operator new[](100); }, plain);
    counted("new[] nothrow", false, [] { return ::operator new[](100, std::nothrow); }, plain);
    counted("sized delete[]", false, [] { return ::operator new[](100); }, [](void *block) { ::operator delete[](block, (size_t)100); });
    counted("delete[] nothrow", false, [] { return ::operator new[](100); }, [](void *block) { ::operator delete[](block, std::nothrow); });
    counted("aligned new[]", true, [] { return ::operator new[](100, LINE); }, aligned);
    counted("aligned new[] nothrow", true, [] { return ::operator new[](100, LINE, std::nothrow); }, aligned);
    counted("sized aligned delete[]", true, [] { return ::operator new[](100, LINE); }, [](void *block) { ::operator delete[](block, (size_t)100, LINE); });
    counted("aligned delete[] nothrow", true, [] { return ::operator new[](100, LINE); }, [](void *block) { ::operator delete[](block, LINE, std::nothrow); });

    news = aligned_news = deletes = aligned_deletes = 0;
    size_t before = used;
    // Expressions: the compiler says which form is called.
    for (size_t count = 1; count < 100; count += 7) {
        std::string *texts = new std::string[amount(count)];
        CHECK(in_arena(texts));
        texts[count - 1] = std::string(100, 'a');
        CHECK(!in_arena(texts[count - 1].data()));
        delete[] texts;
        Line *lines = new (std::nothrow) Line[amount(count)];
        CHECK(in_arena(lines) && aligned_to(lines, 64));
        delete[] lines;
        delete[] new char[amount(count)];
    }
    CHECKF(news == 30 && deletes == 30, "%d, %d", news, deletes);
    CHECKF(aligned_news == 15 && aligned_deletes == 15, "%d, %d", aligned_news, aligned_deletes);
    CHECK(used > before);

    // The nothrow forms turn the program's exceptions into null.
    CHECK(::operator new[](amount(2 * sizeof arena), std::nothrow) == nullptr);
    CHECK(::operator new[](amount(2 * sizeof arena), LINE, std::nothrow) == nullptr);

    // Single objects are not the program's affair.
    news = aligned_news = deletes = aligned_deletes = 0;
    void *single[] = {
        ::operator new(100), ::operator new(100, std::nothrow), ::operator new(100, LINE),
        ::operator new(100, LINE, std::nothrow), ::operator new(100), ::operator new(100, LINE),
    };
    for (void *block : single)
        CHECK(block != nullptr && !in_arena(block));
    ::operator delete(single[0]);
    ::operator delete(single[1], (size_t)100);
    ::operator delete(single[2], LINE);
    ::operator delete(single[3], (size_t)100, LINE);
    ::operator delete(single[4], std::nothrow);
    ::operator delete(single[5], LINE, std::nothrow);
    std::vector<std::string> names(200, std::string(100, 'n'));
    auto shared = std::make_shared<std::string>(300, 's');
    names.push_back(*shared);
    CHECK(names.back().size() == 300);
    CHECK(news == 0 && aligned_news == 0 && deletes == 0 && aligned_deletes == 0);
    return finish();
}
