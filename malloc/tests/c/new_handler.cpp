// What operator new does when there is no memory: it calls the new handler again and again, until
// memory is there, no handler is left, or the handler throws. The nothrow forms do the same and
// give null in the end.
#include "check.h"
#include <new>
#include <sys/resource.h>
#include <thread>

using std::align_val_t;
using std::nothrow;

typedef void *(*Give)(size_t);
static const struct { const char *name; Give give; bool throws; } WAYS[] = {
    { "new", [](size_t size) { return ::operator new(size); }, true },
    { "new[]", [](size_t size) { return ::operator new[](size); }, true },
    { "new nothrow", [](size_t size) { return ::operator new(size, nothrow); }, false },
    { "new[] nothrow", [](size_t size) { return ::operator new[](size, nothrow); }, false },
    { "new align", [](size_t size) { return ::operator new(size, align_val_t(64)); }, true },
    { "new[] align", [](size_t size) { return ::operator new[](size, align_val_t(4096)); }, true },
    { "new align nothrow", [](size_t size) { return ::operator new(size, align_val_t(64), nothrow); }, false },
    { "new[] align nothrow", [](size_t size) { return ::operator new[](size, align_val_t(4096), nothrow); }, false },
};
static const size_t TOO_MUCH = (size_t)PTRDIFF_MAX + 1000;

static int called;

// Gives up at the fifth call.
static void gives_up()
{
    if (++called == 5)
        std::set_new_handler(nullptr);
}
// It allocates itself, as handlers that report do.
static void allocates()
{
    ::operator delete(::operator new(500));
    gives_up();
}
struct Own : std::bad_alloc { int value = 7; };
static void throws_own()
{
    if (++called == 3)
        throw Own();
}
static void lifts_limit()
{
    called++;
    struct rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

static void all_ways()
{
    for (const auto &way : WAYS) {
        static const std::new_handler HANDLERS[] = { gives_up, allocates };
        for (auto handler : HANDLERS) {
            called = 0;
            std::set_new_handler(handler);
            bool caught = false;
            void *block = nullptr;
            try {
                block = way.give(amount(TOO_MUCH));
            } catch (const std::bad_alloc &) {
                caught = true;
            }
            CHECKF(block == nullptr && caught == way.throws, "%s", way.name);
            CHECKF(called == 5, "%s: %d calls", way.name, called);
            CHECK(std::get_new_handler() == nullptr);
        }
        called = 0;
        std::set_new_handler(throws_own);
        int value = 0;
        void *block = nullptr;
        try {
            block = way.give(amount(TOO_MUCH));
        } catch (const Own &own) {
            value = own.value;
        }
        CHECKF(block == nullptr && (value == 7) == way.throws, "%s: %d", way.name, value);
        CHECKF(called == 3, "%s: %d calls", way.name, called);
        // Still installed, and not called where there is memory.
        CHECK(std::get_new_handler() == throws_own);
        called = 0;
        ::operator delete(::operator new(1000));
        CHECK(called == 0);
        std::set_new_handler(nullptr);
    }
}

static void memory_comes()
{
    for (const auto &way : WAYS) {
        struct rlimit limit;
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = (status_kib("VmSize") + 64 * KIB) * KIB;
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            return;
        called = 0;
        std::set_new_handler(lifts_limit);
        // More than anything already reserved holds, or else no call is needed.
        char *block = (char *)way.give(amount(3000 * MIB));
        std::set_new_handler(nullptr);
        lifts_limit();
        CHECKF(block != nullptr, "%s", way.name);
        CHECKF(called <= 2, "%s: %d calls", way.name, called);
        block[0] = block[3000 * MIB - 1] = 1;
        if (way.give == WAYS[4].give || way.give == WAYS[6].give)
            ::operator delete(block, align_val_t(64));
        else if (way.give == WAYS[5].give || way.give == WAYS[7].give)
            ::operator delete[](block, align_val_t(4096));
        else if (way.give == WAYS[1].give || way.give == WAYS[3].give)
            ::operator delete[](block);
        else
            ::operator delete(block);
    }
}

int main()
{
    all_ways();
    memory_comes();
    // The handler is the process's, so another thread's call uses it.
    std::thread(all_ways).join();
    // malloc knows no handler.
    std::set_new_handler(gives_up);
    called = 0;
    CHECK(malloc(amount(TOO_MUCH)) == nullptr);
    CHECK(called == 0);
    std::set_new_handler(nullptr);
    return finish();
}
