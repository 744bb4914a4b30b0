// What the strict parse with every limit costs against a bare simdjson DOM parse of the same body,
// in alternating rounds: medians, and the median of the rounds' ratios.
//   build/native/bench/json [ROUNDS]
#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bodies.h"
#include "core/json_parser.h"

namespace {

using guard::bench::orders;
using Clock = std::chrono::steady_clock;

std::string pretty(std::size_t size) {
  std::string text = "{\n    \"items\": [\n";
  for (int i = 1; text.size() + 200 < size; ++i) {
    if (i > 1) text += ",\n";
    text += "        {\n            \"id\": " + std::to_string(i) +
            ",\n            \"title\": \"caf\xC3\xA9 no " + std::to_string(i) +
            "\",\n            \"note\": null\n        }";
  }
  return text + "\n    ]\n}\n";
}

std::string escapes(std::size_t size) {
  std::string text = "[";
  for (int i = 1; text.size() + 100 < size; ++i) {
    if (i > 1) text += ',';
    text += R"("line\nwith \"quotes\" and \u00e9 and )" + std::to_string(i) + R"( \ud83d\ude00")";
  }
  return text + "]";
}

std::string numbers(std::size_t size) {
  std::string text = "[";
  for (int i = 1; text.size() + 100 < size; ++i) {
    if (i > 1) text += ',';
    text += "[-" + std::to_string(i % 180) + ".65619" + std::to_string(i) + ",43." +
            std::to_string(i) + "1e2]";
  }
  return text + "]";
}

std::string wide_object(std::size_t size) {
  std::string text = "{";
  for (int i = 1; text.size() + 100 < size; ++i) {
    if (i > 1) text += ',';
    text += "\"property" + std::to_string(i * 7919) + "\":" + std::to_string(i);
  }
  return text + "}";
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
double seconds_for(int times, Work&& work) {
  const auto start = Clock::now();
  for (int i = 0; i < times; ++i) work();
  return std::chrono::duration<double>(Clock::now() - start).count() / times;
}

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "json_bench: %s\n", what);
  std::exit(1);
}

void measure(const char* name, const std::string& text, int rounds) {
  guard::core::JsonLimits limits;
  limits.size = guard::core::kMaxJsonSize;
  limits.keys = guard::core::kMaxJsonKeys;
  limits.array = 1'000'000;
  static guard::core::JsonParser ours;
  static simdjson::dom::parser peer;
  const simdjson::padded_string padded(text);
  const std::string_view view(padded.data(), padded.size());
  const auto parse_ours = [&] {
    if (ours.parse(view, limits) == nullptr) die("our parser refused the body");
  };
  const auto parse_peer = [&] {
    if (peer.parse(padded).error() != simdjson::SUCCESS) die("simdjson refused the body");
  };
  parse_ours();
  parse_peer();
  const int times = std::max<int>(1, static_cast<int>(8'000'000 / text.size()));
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    a.push_back(seconds_for(times, parse_ours));
    b.push_back(seconds_for(times, parse_peer));
    ratios.push_back(a.back() / b.back());
  }
  const double ours_time = median(a);
  const double peer_time = median(b);
  const double size = static_cast<double>(text.size());
  std::printf("%-18s %9zu bytes  ours %11.2f us %6.3f ns/byte  simdjson %11.2f us  ratio %5.2f\n",
              name, text.size(), ours_time * 1e6, ours_time * 1e9 / size, peer_time * 1e6,
              median(ratios));
}

// Bodies that a client makes to be expensive, within the limits of a default guard_json or just
// over one: time, and the ratio to an ordinary body of the same size.
void measure_worst(const char* name, const std::string& text, int rounds) {
  static guard::core::JsonParser parser;
  guard::core::JsonLimits limits;
  limits.size = 2U << 20;
  limits.keys = 200'000;
  limits.string = limits.size;
  limits.array = 1'000'000;
  const std::string ordinary = orders(text.size());
  const auto parse = [&](const std::string& body) { (void)parser.parse(body, limits); };
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    a.push_back(seconds_for(3, [&] { parse(text); }));
    b.push_back(seconds_for(3, [&] { parse(ordinary); }));
    ratios.push_back(a.back() / b.back());
  }
  std::printf("worst: %-28s %9zu bytes %11.2f us  ordinary %11.2f us  ratio %5.2f\n", name,
              text.size(), median(a) * 1e6, median(b) * 1e6, median(ratios));
}

// Members whose names have the same json_key_hash: the second half of a 16-byte name makes up for
// the first. Only names that need no escape are taken.
std::string colliding(std::size_t size) {
  std::string text = "{";
  std::uint64_t state = 1;
  while (text.size() + 64 < size) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t a = (state ^ state >> 29) & 0x7F7F7F7F7F7F7F7FU;
    const std::uint64_t b = (a + 16) * 0x9E3779B97F4A7C15U ^ 0x1234567812345678U;
    char name[16];
    std::memcpy(name, &a, 8);
    std::memcpy(name + 8, &b, 8);
    const bool plain = std::all_of(
        name, name + 16, [](char c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F; });
    if (!plain) continue;
    if (text.size() > 1) text += ',';
    text.append("\"").append(name, 16).append("\":0");
  }
  return text + "}";
}

std::string repeated(std::size_t count, std::string_view part, std::string_view open,
                     std::string_view close) {
  std::string text(open);
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text.append(close);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 21;
  if (rounds < 1) die("usage: json_bench [ROUNDS]");
  measure("orders 2 KB", orders(2'000), rounds);
  measure("orders 200 KB", orders(200'000), rounds);
  measure("orders 5 MB", orders(5'000'000), rounds);
  measure("pretty 200 KB", pretty(200'000), rounds);
  measure("escapes 200 KB", escapes(200'000), rounds);
  measure("numbers 200 KB", numbers(200'000), rounds);
  measure("wide object 200 KB", wide_object(200'000), rounds);
  const int few = std::max(3, rounds / 3);
  measure_worst("1 MB of [", std::string(1'000'000, '['), few);
  measure_worst("1 MB of one key", repeated(1'000'000, "k", "{\"", "\":0}"), few);
  measure_worst("one key 100,000 times", repeated(100'000, "\"key\":0,", "{", "\"key\":0}"), few);
  measure_worst("names that collide, 200 KB", colliding(200'000), few);
  measure_worst("100,000 different keys", wide_object(2'000'000), few);
  measure_worst(
      "objects of 16 alike names",
      [] {
        std::string object = "{";
        for (int i = 0; i < 16; ++i) {
          object += "\"" + std::string(60, 'n') + static_cast<char>('a' + i) +
                    std::string(60, 'n') + "\":0,";
        }
        object.back() = '}';
        return repeated(400, object + ",", "[", object + "]");
      }(),
      few);
  measure_worst("1 MB of escapes", repeated(170'000, "\\u0041", "[\"", "\"]"), few);
  measure_worst("1 MB of [1,1,1", repeated(499'990, "1,", "[", "1]"), few);
  measure_worst("1 MB of empty strings", repeated(330'000, "\"\",", "[", "0]"), few);
  measure_worst("invalid UTF-8 at the end", orders(1'000'000) + "\xff", few);
  measure_worst("unclosed string at the end", orders(1'000'000) + "\"", few);
  return 0;
}
