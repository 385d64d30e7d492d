// What the C++ compiler gets to compile: many instances of the standard library's templates.
//
// A compiler keeps declarations, types and expressions in pools of its own or from malloc, a few
// hundred thousand small objects, and frees little before its end.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct tag {
    int value = N;
    friend bool operator<(const tag &a, const tag &b) { return a.value < b.value; }
    friend bool operator==(const tag &a, const tag &b) { return a.value == b.value; }
};

template <int N> struct hash_of {
    std::size_t operator()(const tag<N> &t) const { return std::hash<int>()(t.value); }
};

template <int N> int containers() {
    std::map<tag<N>, std::vector<std::tuple<int, tag<N>, std::string>>> ordered;
    std::unordered_map<tag<N>, std::set<tag<N>>, hash_of<N>> hashed;
    std::vector<std::variant<int, std::string, tag<N>, std::shared_ptr<tag<N>>>> variants;
    for (int i = 0; i < N; i++) {
        ordered[tag<N>{i}].emplace_back(i, tag<N>{}, std::to_string(i));
        hashed[tag<N>{i % 3}].insert(tag<N>{i});
        variants.push_back(std::make_shared<tag<N>>());
    }
    std::function<int(const tag<N> &)> count = [&](const tag<N> &t) {
        auto found = hashed.find(t);
        return found == hashed.end() ? 0 : static_cast<int>(found->second.size());
    };
    int sum = 0;
    for (auto &[key, list] : ordered) {
        std::sort(list.begin(), list.end());
        sum += count(key) + std::get<0>(list.front());
    }
    for (auto &v : variants)
        sum += std::visit([](const auto &x) { return static_cast<int>(sizeof x); }, v);
    return sum;
}

template <int... N> int all(std::integer_sequence<int, N...>) {
    return (containers<N>() + ... + 0);
}

int total() {
    return all(std::make_integer_sequence<int, 3>());
}
