// What the C++ library allocates: containers, exceptions (also many at once and rethrown in other
// threads), streams, sorting buffers, shared pointers, memory resources, objects before and after main.
#include "check.h"
#include <algorithm>
#include <any>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct Static {
    std::vector<std::string> texts{ 100, std::string(100, 's') };
    ~Static()
    {
        texts.resize(500, std::string(50, 't'));
        if (texts[99] != std::string(100, 's') || finish())
            _exit(1);
    }
};
static Static before_main;

static int depth(int level)
{
    try {
        if (level == 0)
            throw std::runtime_error(std::string(300, 'e'));
        return depth(level - 1);
    } catch (const std::runtime_error &error) {
        CHECK(strlen(error.what()) == 300);
        if (level == 20)
            return level;
        throw;
    }
}

static void work(unsigned seed)
{
    std::map<std::string, std::vector<int>> ordered;
    std::unordered_map<int, std::string> hashed;
    std::deque<std::shared_ptr<std::string>> queue;
    for (int at = 0; at < 3000; at++) {
        ordered[std::to_string(at * 7919 % 3001 + seed)].push_back(at);
        hashed[at] = std::string(at % 200, 'h');
        queue.push_back(std::make_shared<std::string>(at % 90, 'q'));
        if (queue.size() > 100)
            queue.pop_front();
    }
    for (int at = 0; at < 3000; at += 3)
        hashed.erase(at);
    CHECK(hashed.size() == 2000 && hashed[1].size() == 1 && hashed[199].size() == 199);
    std::vector<std::pair<int, std::string>> sorted;
    for (int at = 0; at < 3000; at++)
        sorted.emplace_back(at * 31 % 300, std::to_string(at));
    std::stable_sort(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.first < b.first; });
    CHECK(std::is_sorted(sorted.begin(), sorted.end(), [](auto &a, auto &b) { return a.first < b.first; }));
    std::stringstream stream;
    for (int at = 0; at < 1000; at++)
        stream << at << ' ';
    CHECK(stream.str().size() == 3890);
    CHECK(depth(20) == 20);
    std::function<size_t()> closure = [text = std::string(1000, 'c')] { return text.size(); };
    CHECK(closure() == 1000);
    std::any value = std::string(1000, 'a');
    CHECK(std::any_cast<std::string>(value).size() == 1000);
    std::pmr::unsynchronized_pool_resource pool;
    std::pmr::vector<std::pmr::string> pooled(&pool);
    for (int at = 0; at < 500; at++)
        pooled.emplace_back(at, 'p');
    CHECK(pooled[499].size() == 499);
    struct alignas(128) Wide { char bytes[128]; };
    std::vector<Wide> wide(50);
    CHECK(aligned_to(wide.data(), 128));
}

int main()
{
    for (unsigned turn = 0; turn < 3; turn++)
        work(turn);
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; seed++)
        threads.emplace_back([=] { for (unsigned turn = 0; turn < 5; turn++) work(seed + turn); });
    for (auto &thread : threads)
        thread.join();
    auto later = std::async(std::launch::async, []() -> int { throw std::out_of_range(std::string(400, 'o')); });
    try {
        later.get();
        CHECK(!"thrown");
    } catch (const std::out_of_range &error) {
        CHECK(strlen(error.what()) == 400);
    }
    std::vector<std::exception_ptr> kept;
    for (int at = 0; at < 500; at++)
        kept.push_back(std::make_exception_ptr(std::runtime_error(std::to_string(at))));
    CHECK(kept.size() == 500);
    return finish();
}
