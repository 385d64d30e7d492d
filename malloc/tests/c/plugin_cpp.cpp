// A library in C++ for operators_late.c: it uses new and delete, and lets new fail.
#include <cstddef>
#include <new>
#include <string>
#include <vector>

static int handled;

extern "C" int plugin_run(size_t too_much)
{
    std::vector<std::string> texts(100, std::string(100, 'p'));
    if (texts[99].size() != 100)
        return 1;
    int caught = 0;
    try {
        ::operator delete(::operator new(too_much));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    try {
        ::operator delete(::operator new(too_much, std::align_val_t(64)), std::align_val_t(64));
    } catch (const std::bad_alloc &) {
        caught++;
    }
    if (caught != 2)
        return 2;
    if (::operator new[](too_much, std::nothrow) != nullptr)
        return 3;
    std::set_new_handler([] {
        if (++handled == 3)
            std::set_new_handler(nullptr);
    });
    if (::operator new(too_much, std::nothrow) != nullptr)
        return 4;
    return handled == 3 ? 0 : 5;
}
