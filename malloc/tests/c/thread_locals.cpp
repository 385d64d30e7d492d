// C++ objects with thread storage: their destructors allocate and free, and make further such
// objects; strings and vectors of a thread that are freed by its end.
#include "check.h"
#include <memory>
#include <string>
#include <thread>
#include <vector>

static int destroyed;

// Its constructor does not allocate, so it may be registered before whatever the library registers at a
// thread's first call, and is then destroyed after that.
struct Quiet {
    size_t size = 3000;
    ~Quiet()
    {
        for (int at = 0; at < 60; at++) {
            char *block = (char *)malloc(size);
            CHECK(block != nullptr);
            memset(block, 1, size);
            free(realloc(block, 2 * size));
        }
        __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
    }
};
static Quiet &quiet()
{
    static thread_local Quiet it;
    return it;
}

struct Last {
    std::string text = std::string(500, 'l');
    ~Last()
    {
        CHECK(text == std::string(500, 'l'));
        __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
    }
};
static Last &last()
{
    static thread_local Last it;
    return it;
}

struct Holder {
    std::vector<std::unique_ptr<std::string>> kept;
    void *raw = malloc(1000);
    ~Holder()
    {
        for (auto &each : kept)
            CHECK(each->size() == 300);
        std::vector<std::string> more(50, std::string(200, 'm'));
        CHECK(more[49].size() == 200);
        free(realloc(raw, 5000));
        // Made while the thread's objects are being destroyed.
        CHECK(last().text.size() == 500);
        __atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
    }
};
static thread_local Holder holder;
static thread_local std::string name = "a name that is too long for the small buffer of a string";

static void body()
{
    CHECK(quiet().size == 3000);
    for (int at = 0; at < 40; at++)
        holder.kept.push_back(std::make_unique<std::string>(300, 'k'));
    name += name;
}

int main()
{
    for (int turn = 0; turn < 100; turn++)
        std::thread(body).join();
    size_t before = resident_kib();
    for (int turn = 0; turn < 1500; turn++) {
        std::thread one(body), other(body);
        one.join();
        other.join();
    }
    size_t after = resident_kib();
    CHECKF(after < before + 8 * KIB, "%zu KiB became %zu KiB", before, after);
    CHECKF(destroyed == 3 * 3100, "%d", destroyed);
    body();
    return finish();
}
