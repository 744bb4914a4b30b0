// What an inspection by the Core Rule Set costs, without nginx: medians of microseconds of CPU
// time.
//   build/native/bench/inspect [PARANOIA [CASE|FILE [TIMES]]]
// A file, named by a path with a slash in it, holds a request as it is sent.
// With a case and a number of times it runs that and no more, for a profiler. GUARD_INSPECT_CACHE:
// a directory in which compiled patterns are kept, so that it begins at once. GUARD_INSPECT_NEW: of
// no text it is known that it has come before.
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "bodies.h"
#include "core/json_parser.h"
#include "inspect/crs.h"
#include "inspect/inspection.h"
#include "inspect/pattern_cache.h"
#include "inspect/raw_request.h"

namespace {

using namespace guard::inspect;

constexpr int kRounds = 15;

// Microseconds that this process has had of its core: other work on the machine counts less.
double cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// A browser's, with twelve header fields.
std::string head(std::string_view line, std::string_view more = {}) {
  std::string text(line);
  text +=
      " HTTP/1.1\r\n"
      "Host: shop.example.com\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/120.0.0.0 Safari/537.36\r\n"
      "Accept: "
      "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
      "\r\n"
      "Accept-Language: en-GB,en;q=0.9,de;q=0.7\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n"
      "Connection: keep-alive\r\n"
      "Upgrade-Insecure-Requests: 1\r\n"
      "Sec-Fetch-Dest: document\r\n"
      "Sec-Fetch-Mode: navigate\r\n"
      "Sec-Fetch-Site: same-origin\r\n"
      "Referer: https://shop.example.com/catalogue/lamps?sort=price&page=2\r\n"
      "Cookie: session=6f1d2c3b4a5968778695a4b3c2d1e0f1; theme=dark; basket=MTIzNDU2Nzg5MA; "
      "consent=necessary\r\n";
  text += more;
  return text + "\r\n";
}

std::string with_body(std::string_view type, const std::string& body) {
  return head("POST /api/orders", "Content-Type: " + std::string(type) + "\r\nContent-Length: " +
                                      std::to_string(body.size()) + "\r\n") +
         body;
}

std::string multipart(std::size_t size) {
  std::string file;
  std::uint32_t state = 1;
  while (file.size() < size) {
    state = state * 1664525 + 1013904223;
    file += static_cast<char>(state >> 24);
  }
  return "--b0undary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nholiday\r\n"
         "--b0undary\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"beach.jpg\"\r\n"
         "Content-Type: image/jpeg\r\n\r\n" +
         file + "\r\n--b0undary--\r\n";
}

// A form of one value, of a piece again and again.
std::string filled(std::string_view piece, std::size_t size) {
  std::string body = "text=";
  while (body.size() < size) body += piece;
  return body;
}

std::string arguments(int count) {
  std::string body;
  for (int i = 0; i < count; ++i) body += 'a' + std::to_string(i) + "=1&";
  return body;
}

// What rule 941160 goes back over a lot, in many values or from many places of one, and something
// that has it asked.
std::string going_back(bool one_value) {
  std::string body = "p=%3Cr+src%3D&a=";
  for (int i = 0; i < 1'200; ++i) {
    body += '<' + std::string(80, '(') + (one_value ? "f" : "f&a=");
  }
  return body;
}

struct Case {
  std::string name;
  std::string request;
};

std::vector<Case> cases() {
  const std::string json = "application/json";
  const std::string form = "application/x-www-form-urlencoded";
  return {
      {"get", head("GET /catalogue/lamps?sort=price&page=3&q=desk+lamp")},
      {"json-2k", with_body(json, guard::bench::orders(1900))},
      {"json-200k", with_body(json, guard::bench::orders(200U << 10))},
      {"form", with_body(form,
                         "name=Jane+Doe&street=12+High+Street&city=Oxford&note=Please+ring+"
                         "twice%2C+and+leave+it+with+the+neighbour&agree=yes")},
      {"multipart-1m", with_body("multipart/form-data; boundary=b0undary", multipart(1U << 20))},
      {"attack", head("GET /item?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20")},
      // The worst: what many rules must be asked about, what regexes go back over, and a lot of it.
      {"words-100k", with_body(form, filled("select+exec+union+system+eval+file+", 100U << 10))},
      {"marks-100k", with_body(form, filled("%3C%28%27%22%3B%7C%24%7B%2F%5C%3D", 100U << 10))},
      {"redos-100k", with_body(form, filled("%3Ca+a%3Da+on+", 100U << 10))},
      {"back-values", with_body(form, going_back(false))},
      {"back-places", with_body(form, going_back(true))},
      {"encoded-100k", with_body(form, filled("%2525%26%23x61%3B%5Cu0061", 100U << 10))},
      {"args-10k", with_body(form, arguments(9'990))},
      {"args-100k", with_body(form, arguments(100'000))},
      {"phrases-1m", with_body(form, filled("e", 1U << 20) + "+etc/passwd")},
      {"value-1m", with_body(form, filled("the+quick+brown+fox+", 1U << 20))},
  };
}

Case from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) std::abort();
  return {path, std::string(std::istreambuf_iterator<char>(file), {})};
}

class Bench {
 public:
  explicit Bench(int paranoia, PatternCache* cache)
      : program_(load_rules({}), {paranoia, 0, true, true, cache}) {
    inspection_.remember(std::getenv("GUARD_INSPECT_NEW") == nullptr);
    if (!inspection_.prepare(program_)) std::abort();
  }

  void once(const RawRequest& raw) {
    RequestView view;
    view.method = raw.method;
    view.target = raw.target;
    view.version = raw.version;
    view.headers = raw.headers;
    view.client_address = "192.0.2.7";
    view.client_port = "40000";
    view.server_address = "192.0.2.1";
    view.server_port = "443";
    result_ = inspection_.run_headers(program_, view, kDefaultBudget);
    if (result_.outcome == Outcome::passed) result_ = inspection_.run_body(raw.body);
  }

  void run(const Case& one, int times) {
    RawRequest raw;
    if (!parse_raw_request(one.request, raw)) std::abort();
    if (times > 0) {
      while (times-- > 0) once(raw);
      return;
    }
    once(raw);
    const int count = one.request.size() > 50'000 ? 3 : 300;
    std::vector<double> rounds;
    for (int i = 0; i < kRounds; ++i) {
      const double start = cpu_time();
      for (int k = 0; k < count; ++k) once(raw);
      rounds.push_back((cpu_time() - start) / count);
    }
    std::sort(rounds.begin(), rounds.end());
    std::string rules;
    for (const Match& match : inspection_.matches()) rules += ' ' + std::to_string(match.rule->id);
    static constexpr std::array<const char*, 4> kOutcomes = {"passed", "denied", "over budget",
                                                             "failed"};
    std::printf("%-13s %8zu bytes  %10.1f us  work %9llu  %s, score %lld%s\n", one.name.c_str(),
                one.request.size(), rounds[rounds.size() / 2],
                static_cast<unsigned long long>(result_.work),
                kOutcomes[static_cast<std::size_t>(result_.outcome)],
                static_cast<long long>(result_.score), rules.c_str());
  }

 private:
  Program program_;
  Inspection inspection_;
  InspectionResult result_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    std::optional<PatternCache> cache;
    if (const char* directory = std::getenv("GUARD_INSPECT_CACHE")) cache.emplace(directory);
    Bench bench(argc > 1 ? std::atoi(argv[1]) : 1, cache ? &*cache : nullptr);
    const std::string name = argc > 2 ? argv[2] : "";
    const int times = argc > 3 ? std::atoi(argv[3]) : 0;
    if (name.find('/') != std::string::npos) bench.run(from_file(name), times);
    for (const Case& one : cases()) {
      if (name.empty() || one.name == name) bench.run(one, times);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "inspect_bench: %s\n", error.what());
    return 1;
  }
}
