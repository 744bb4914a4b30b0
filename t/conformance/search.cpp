// Holds inspections by the Core Rule Set as they are, with rules that are searched for together and
// texts that are remembered, against inspections in which every rule is asked for every value:
//   search CACHE [SECONDS [SEED [NUMBER]]] < REQUESTS
// REQUESTS: each is a line with its size, and its bytes. What is inspected is made up of their
// pieces; request NUMBER of a SEED is always the same, and with its number it is the only one.
// What differs is printed, as small as it can be made, and the end is 1. CACHE: a directory for
// compiled patterns.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/ascii.h"
#include "core/words.h"
#include "inspect/crs.h"
#include "inspect/inspection.h"
#include "inspect/pattern_cache.h"
#include "inspect/raw_request.h"
#include "inspect/transformation.h"

namespace {

using namespace guard::inspect;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLevels = 4;
constexpr std::size_t kLongestValue = 2048;
constexpr unsigned long kShown = 10;       // differences of which more than the number is told
constexpr unsigned kMinimizations = 4000;  // inspections to make one of them small

std::string read_all() {
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

std::vector<std::string> read_requests() {
  const std::string text = read_all();
  std::vector<std::string> requests;
  for (std::size_t at = 0; at < text.size();) {
    char* end = nullptr;
    const std::size_t size = std::strtoul(text.c_str() + at, &end, 10);
    at = static_cast<std::size_t>(end - text.c_str()) + 1;
    if (end == nullptr || *end != '\n' || at + size > text.size()) {
      guard::core::fail("what is read are no requests with their sizes");
    }
    requests.push_back(text.substr(at, size));
    at += size;
  }
  if (requests.empty()) guard::core::fail("no requests to read");
  return requests;
}

std::string hex(unsigned value, const char* format) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

bool is_alnum(char c) {
  return guard::core::is_letter(c) || guard::core::is_digit(c);
}

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += is_alnum(c) ? std::string(1, c) : hex(static_cast<unsigned char>(c), "%%%02x");
  }
  return out;
}

std::string url_decoded(std::string_view text) {
  std::string out(transformed_size(text.size()), '\0');
  bool changed = false;
  return std::string(transform(Transformation::url_decode, text, out.data(), changed));
}

std::string json_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte > 0x7e || c == '"' || c == '\\' ? hex(byte, "\\u%04x")
                                                               : std::string(1, c);
  }
  return out;
}

// As it can stand in a field.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\r', ' ');
  return text;
}

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte > 0x7e || c == '\\' ? hex(byte, "\\x%02x") : std::string(1, c);
  }
  return out;
}

// All values of the requests: what requests are made of.
std::vector<std::string> values_of(const std::vector<std::string>& requests) {
  std::set<std::string> values;
  const auto add = [&](std::string value) {
    if (!value.empty() && value.size() <= kLongestValue) values.insert(std::move(value));
  };
  const auto add_pairs = [&](std::string_view text) {
    while (!text.empty()) {
      const std::string_view pair = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(pair.size() + 1, text.size()));
      const std::size_t equals = std::min(pair.find('='), pair.size());
      add(url_decoded(pair.substr(0, equals)));
      add(url_decoded(pair.substr(std::min(equals + 1, pair.size()))));
    }
  };
  for (const std::string& text : requests) {
    RawRequest raw;
    if (!parse_raw_request(text, raw)) continue;
    const std::size_t mark = std::min(raw.target.find('?'), raw.target.size());
    add(url_decoded(raw.target.substr(0, mark)));
    add_pairs(raw.target.substr(std::min(mark + 1, raw.target.size())));
    for (const HeaderField& field : raw.headers) add(std::string(field.value));
    const bool markup =
        raw.body.starts_with('{') || raw.body.starts_with('<') || raw.body.starts_with("--");
    if (markup) {
      add(raw.body);
    } else {
      add_pairs(raw.body);
    }
  }
  return {values.begin(), values.end()};
}

// What requests are made of. The lists are of values: one of all, and one for each rule, of those
// in which it matches.
struct Material {
  std::vector<std::string> requests;
  std::vector<std::vector<std::string>> lists;

  const std::vector<std::string>& values() const { return lists.front(); }
};

// Makes requests up.
class Maker {
 public:
  explicit Maker(const Material& material) : material_(material) {}

  std::string make(unsigned seed, unsigned long number) {
    std::seed_seq sequence{seed, static_cast<unsigned>(number),
                           static_cast<unsigned>(number >> 32)};
    random_.seed(sequence);
    return one_in(4) ? changed_request() : placed_request();
  }

 private:
  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class List>
  const auto& any(const List& list) {
    return list[below(std::size(list))];
  }

  // Mostly about as long as what a search looks at in one go.
  std::size_t length() { return 1 + below(one_in(3) ? 200 : 80); }

  std::string filling(std::string_view value, std::size_t at) {
    static constexpr std::string_view kUsual = "    --a\t\n\r\v\f0/+.'\";()<>\\%&=x_*#\xff";
    char filler = any(kUsual);
    // Or what stands there.
    if (!value.empty() && one_in(3)) filler = value[std::min(at, value.size() - 1)];
    if (one_in(40)) filler = '\0';
    return std::string(length(), filler);
  }

  // A place where words, blanks and marks meet, if there is one.
  std::size_t place_in(std::string_view value) {
    for (int tries = 0; tries < 8 && value.size() > 1; ++tries) {
      const std::size_t at = 1 + below(value.size() - 1);
      if (is_alnum(value[at - 1]) != is_alnum(value[at])) return at;
    }
    return below(value.size() + 1);
  }

  std::string encoded(std::string_view value) {
    const std::size_t kind = below(9);
    const std::size_t rate = 1 + below(6);
    std::string out;
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (!one_in(rate)) {
        out += c;
        continue;
      }
      switch (kind) {
        case 0:
          out += hex(byte, "%%%02x");
          break;
        case 1:
          out += hex(byte, "%%25%02X");
          break;
        case 2:
          out += hex(byte, "%%u%04x");
          break;
        case 3:
          out += hex(byte, "&#x%x;");
          break;
        case 4:
          out += hex(byte, "&#%u;");
          break;
        case 5:
          out += hex(byte, "\\x%02x");
          break;
        case 6:
          out += hex(byte, "\\u%04x");
          break;
        case 7:  // longer than need be
          out += static_cast<char>(0xc0 | byte >> 6);
          out += static_cast<char>(0x80 | (byte & 0x3f));
          break;
        default:
          out += hex(byte, "\\%x ");
      }
    }
    return out;
  }

  // Each blank, or now and then something between letters.
  std::string spaced(std::string_view value) {
    static constexpr std::array<std::string_view, 10> kBlanks = {"\t",   "\n", "\v", "/**/", "+",
                                                                 "\xa0", "\f", "  ", "--\n", ""};
    static constexpr std::array<std::string_view, 8> kBetween = {"\\",    "^",  "'",    "\"",
                                                                 "/*x*/", "\0", "${x}", "&#8203;"};
    const bool blanks = one_in(2);
    const std::string_view blank = any(kBlanks);
    const std::string_view between = any(kBetween);
    const std::size_t rate = 1 + below(12);
    std::string out;
    for (const char c : value) {
      if (blanks && c == ' ') {
        out += blank;
      } else {
        out += c;
        if (!blanks && one_in(rate)) out += between;
      }
    }
    return out;
  }

  std::string in_other_case(std::string value) {
    const std::size_t kind = below(3);
    for (char& c : value) {
      if (kind == 0 || (kind == 2 && one_in(2))) {
        c = guard::core::to_lower(c);
      } else if (c >= 'a' && c <= 'z') {
        c = static_cast<char>(c - 'a' + 'A');
      }
    }
    return value;
  }

  std::string changed(std::string value) {
    for (std::size_t left = below(4); left > 0; --left) {
      const std::size_t at = place_in(value);
      switch (below(14)) {
        case 0:
        case 1:
        case 2:
          value.insert(0, filling(value, 0));
          break;
        case 3:
          value += filling(value, value.size());
          break;
        case 4:
        case 5:
        case 6:
          value.insert(at, filling(value, at));
          break;
        case 7:
          value = in_other_case(value);
          break;
        case 8:
          value = encoded(value);
          break;
        case 9:
          value = spaced(value);
          break;
        case 10:
          value = one_in(2) ? value.substr(at) : value.substr(0, at);
          break;
        case 11:
          value = any(material_.values()).substr(0, 1 + below(80)) + value;
          break;
        case 12:
          value += value.substr(at);
          break;
        default:
          if (!value.empty()) value[below(value.size())] = static_cast<char>(random_());
      }
      if (value.size() > kLongestValue) value.resize(kLongestValue);
    }
    return value;
  }

  // Of any rule, so that each has its turn.
  std::string value() { return changed(any(any(material_.lists))); }

  // Values where an application would find them.
  std::string placed_request() {
    static constexpr std::array<std::string_view, 5> kFields = {"User-Agent", "Referer", "X-Own",
                                                                "Content-Type", "Accept"};
    std::string target = one_in(12) ? '/' + url_encoded(value()) : "/page";
    std::string fields;
    std::string body;
    char next = '?';
    const std::size_t kind = below(8);
    for (std::size_t count = 1 + below(10); count > 0; --count) {
      const std::string name = one_in(8) ? value() : "a" + std::to_string(count);
      const std::string pair = url_encoded(name) + '=';
      switch (kind) {
        case 0:
        case 1:
          target += next + pair + url_encoded(value());
          next = '&';
          break;
        case 2:
          body += (body.empty() ? "" : "&") + pair + url_encoded(value());
          break;
        case 3:
          body += (body.empty() ? "{\"" : ",\"") + json_escaped(name) + "\":\"" +
                  json_escaped(value()) + '"';
          break;
        case 4:
          fields += "Cookie: " + one_line(name) + '=' + one_line(value()) + '\n';
          break;
        case 5:
          fields += std::string(any(kFields)) + ": " + one_line(value()) + '\n';
          break;
        case 6:
          body += "--b0undary\r\nContent-Disposition: form-data; name=\"" +
                  (one_in(4) ? url_encoded(name) : "a") + "\"\r\n\r\n" + value() + "\r\n";
          break;
        default:
          body += value();
      }
    }
    if (kind == 2) fields += "Content-Type: application/x-www-form-urlencoded\n";
    if (kind == 3) {
      fields += "Content-Type: application/json\n";
      body += '}';
    }
    if (kind == 6) {
      fields += "Content-Type: multipart/form-data; boundary=b0undary\n";
      body += "--b0undary--\r\n";
    }
    if (kind == 7) fields += "Content-Type: text/plain\n";
    return (body.empty() ? "GET " : "POST ") + target + " HTTP/1.1\nHost: www.example.com\n" +
           "User-Agent: OWASP ModSecurity Core Rule Set\nAccept: */*\n" + fields + '\n' + body;
  }

  // One as it is, but for one of its parts.
  std::string changed_request() {
    const std::string& text = any(material_.requests);
    RawRequest raw;
    if (!parse_raw_request(text, raw)) return text;
    const std::size_t part = below(raw.headers.size() + 2);
    const auto made = [&](std::size_t number, std::string_view was) {
      return number == part ? one_line(changed(std::string(was))) : std::string(was);
    };
    std::string request = std::string(raw.method) + ' ' + made(0, raw.target) + " HTTP/1.1\n";
    for (std::size_t i = 0; i < raw.headers.size(); ++i) {
      if (guard::core::equal_without_case(raw.headers[i].name, "content-length") ||
          guard::core::equal_without_case(raw.headers[i].name, "transfer-encoding")) {
        continue;
      }
      request += std::string(raw.headers[i].name) + ": " + made(i + 2, raw.headers[i].value) + '\n';
    }
    return request + '\n' + (part == 1 ? changed(raw.body) : raw.body);
  }

  const Material& material_;
  std::mt19937 random_;
};

struct Found {
  std::vector<std::string> lines;  // of each match
  std::vector<unsigned> rules;
  // Regexes that gave up, which counts as a match: a search before them may know that it is none.
  std::uint32_t gave_up = 0;
};

// Rules of one level of paranoia, twice.
class Pair {
 public:
  Pair(int paranoia, PatternCache& cache)
      : quick_(load_rules({}), {paranoia, 0, true, true, &cache}),
        slow_(load_rules({}), {paranoia, 0, true, false}) {
    renew();
  }

  // Forgets the texts of the requests before.
  void renew() {
    remembering_ = std::make_unique<Inspection>();
    plain_ = std::make_unique<Inspection>();
    plain_->remember(false);
    if (!remembering_->prepare(quick_) || !plain_->prepare(slow_)) guard::core::fail("no memory");
  }

  Found quick(const std::string& text) { return run(quick_, *remembering_, text); }
  Found slow(const std::string& text) { return run(slow_, *plain_, text); }

  // Whether it differs for this request alone.
  bool differs_anew(const std::string& text) {
    renew();
    const Found found = slow(text);
    return quick(text).lines != found.lines && found.gave_up == 0;
  }

 private:
  static Found run(const Program& program, Inspection& inspection, const std::string& text) {
    RawRequest raw;
    if (!parse_raw_request(text, raw)) return {};
    RequestView view;
    view.method = raw.method;
    view.target = raw.target;
    view.version = raw.version;
    view.headers = raw.headers;
    view.client_address = "192.0.2.7";
    constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();
    InspectionResult result = inspection.run_headers(program, view, kNoEnd);
    if (result.outcome == Outcome::passed) result = inspection.run_body(raw.body);
    Found found;
    found.gave_up = result.gave_up;
    for (const Match& match : inspection.matches()) {
      found.rules.push_back(match.rule->id);
      found.lines.push_back(std::to_string(match.rule->id) + ' ' + std::string(match.variable) +
                            '=' + std::string(match.value));
    }
    inspection.each_number([&](std::string_view name, std::int64_t number) {
      found.lines.push_back("TX:" + std::string(name) + '=' + std::to_string(number));
    });
    found.lines.push_back("outcome " + std::to_string(static_cast<int>(result.outcome)));
    return found;
  }

  Program quick_;
  Program slow_;
  std::unique_ptr<Inspection> remembering_;
  std::unique_ptr<Inspection> plain_;
};

// Takes away pieces, of half its size first, as long as it differs.
std::string minimized(Pair& pair, std::string text) {
  unsigned left = kMinimizations;
  for (std::size_t piece = text.size() / 2; piece > 0; piece /= 2) {
    for (std::size_t at = 0; at < text.size() && left > 0;) {
      std::string shorter = text;
      shorter.erase(at, piece);
      --left;
      if (pair.differs_anew(shorter)) {
        text = std::move(shorter);
      } else {
        at += piece;
      }
    }
  }
  return text;
}

void print_missing(const char* what, const Found& in, const Found& from) {
  for (const std::string& line : in.lines) {
    if (std::find(from.lines.begin(), from.lines.end(), line) == from.lines.end()) {
      std::printf("  %s %s\n", what, shown(line).c_str());
    }
  }
}

void print_difference(Pair& pair, std::string text) {
  const bool alone = pair.differs_anew(text);
  if (alone) text = minimized(pair, std::move(text));
  pair.renew();
  const Found quick = pair.quick(text);
  const Found slow = pair.slow(text);
  if (!alone) std::puts("  only behind the requests before it");
  std::printf("  %s\n", shown(text).c_str());
  print_missing("too many:", quick, slow);
  print_missing("missed:  ", slow, quick);
}

// In which of the values does which rule match?
std::vector<std::vector<std::string>> lists_of(std::vector<std::string> values, Pair& pair) {
  std::map<unsigned, std::vector<std::string>> by_rule;
  for (const std::string& value : values) {
    const std::string line = one_line(value);
    const Found found = pair.slow("GET /?a=" + url_encoded(value) +
                                  " HTTP/1.1\nUser-Agent: " + line + "\nReferer: " + line + "\n\n");
    for (const unsigned rule : std::set<unsigned>(found.rules.begin(), found.rules.end())) {
      by_rule[rule].push_back(value);
    }
  }
  std::vector<std::vector<std::string>> lists = {std::move(values)};
  for (auto& [rule, list] : by_rule) lists.push_back(std::move(list));
  return lists;
}

int run(const std::string& cache_directory, double seconds, unsigned seed,
        std::optional<unsigned long> only) {
  Material material;
  material.requests = read_requests();
  PatternCache cache(cache_directory);
  std::vector<std::unique_ptr<Pair>> pairs;
  for (std::size_t i = 0; i < kLevels; ++i) {
    pairs.push_back(std::make_unique<Pair>(static_cast<int>(i) + 1, cache));
  }
  material.lists = lists_of(values_of(material.requests), *pairs.back());
  Maker maker(material);
  std::set<unsigned> rules;
  unsigned long different = 0;
  unsigned long undecided = 0;
  unsigned long number = only.value_or(0);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const std::string text = maker.make(seed, number);
    // What a level has not, the next one has: the last has all rules, others are in other sets.
    const std::size_t level = number % 2 == 0 ? kLevels : 1 + number / 2 % (kLevels - 1);
    Pair& pair = *pairs[level - 1];
    const Found slow = pair.slow(text);
    rules.insert(slow.rules.begin(), slow.rules.end());
    if (pair.quick(text).lines == slow.lines) {
      // Most are.
    } else if (slow.gave_up != 0) {
      ++undecided;
    } else if (++different <= kShown) {
      std::printf("request %lu of seed %u, paranoia %zu:\n", number, seed, level);
      print_difference(pair, text);
      (void)std::fflush(stdout);
    }
    ++number;
  } while (!only && Clock::now() < end);
  std::printf(
      "%lu requests made of %zu values, from seed %u: %zu rules matched, %lu requests differ, "
      "%lu as a regex gave up without the search\n",
      only ? 1 : number, material.values().size(), seed, rules.size(), different + undecided,
      undecided);
  return different == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) guard::core::fail("no directory for compiled patterns");
    const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 60;
    const auto seed = static_cast<unsigned>(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1);
    std::optional<unsigned long> only;
    if (argc > 4) only = std::strtoul(argv[4], nullptr, 10);
    return run(argv[1], seconds, seed, only);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "search: %s\n", error.what());
    return 1;
  }
}
