// A program with an operator new and delete of its own, and only the plain ones: by the standard
// ([new.delete.single], [new.delete.array]) the other forms, which it does not replace, call these.
// Its delete looks for the mark that its new left before each block, so whoever serves the nothrow
// forms past it breaks the program.
#include "check.h"
#include <memory>
#include <new>
#include <string>
#include <vector>

static const size_t MARK = 0x6f776e206e657721;
static int news, deletes, handled;

void *operator new(size_t size)
{
    size_t *block = (size_t *)malloc(size + 16);
    if (!block)
        throw std::bad_alloc();
    news++;
    *block = MARK;
    return block + 2;
}
void operator delete(void *pointer) noexcept
{
    if (!pointer)
        return;
    size_t *block = (size_t *)pointer - 2;
    deletes++;
    CHECKF(*block == MARK, "%zx before the block", *block);
    if (*block != MARK)
        return;
    *block = 0;
    free(block);
}

// Whether both counters went up by one.
static void counted(const char *form, void *(*give)(), void (*take)(void *))
{
    news = deletes = 0;
    void *block = give();
    CHECKF(block != nullptr && news == 1, "%s: %d calls of the program's new", form, news);
    memset(block, 1, 100);
    take(block);
    CHECKF(deletes == 1, "%s: %d calls of the program's delete", form, deletes);
}

int main()
{
    auto plain = [](void *block) { ::operator delete(block); };
    auto array = [](void *block) { ::operator delete[](block); };
    counted("new", [] { return ::operator new(100); }, plain);
    counted("new[]", [] { return ::operator new[](100); }, array);
    counted("new nothrow", [] { return ::operator new(100, std::nothrow); }, plain);
    counted("new[] nothrow", [] { return ::operator new[](100, std::nothrow); }, array);
    counted("sized delete", [] { return ::operator new(100); }, [](void *block) { ::operator delete(block, (size_t)100); });
    counted("sized delete[]", [] { return ::operator new[](100); }, [](void *block) { ::operator delete[](block, (size_t)100); });
    counted("delete nothrow", [] { return ::operator new(100); }, [](void *block) { ::operator delete(block, std::nothrow); });
    counted("delete[] nothrow", [] { return ::operator new[](100); }, [](void *block) { ::operator delete[](block, std::nothrow); });
    // Over-aligned forms have defaults of their own and pass the program's by.
    news = deletes = 0;
    ::operator delete(::operator new(100, std::align_val_t(64)), std::align_val_t(64));
    CHECK(news == 0 && deletes == 0);
    // The nothrow form turns the program's exception into null.
    CHECK(::operator new(amount((size_t)PTRDIFF_MAX), std::nothrow) == nullptr);
    CHECK(::operator new[](amount((size_t)PTRDIFF_MAX), std::nothrow) == nullptr);
    (void)handled;
    // The library's containers; stable_sort takes its buffer by nothrow.
    std::vector<std::string> names(200, std::string(100, 'n'));
    auto shared = std::make_shared<std::string>(300, 's');
    names.push_back(*shared);
    CHECK(names.back().size() == 300);
    return finish();
}
