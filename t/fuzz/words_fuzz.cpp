// The words of a directive, and the scalars in them: whatever they are, either a value within its
// range or a ConfigError. The words are the lines of the input.

#include <array>
#include <cstdlib>
#include <limits>
#include <string>

#include "core/words.h"

namespace {

namespace core = guard::core;
using std::chrono::milliseconds;

void require(bool truth) {
  if (!truth) std::abort();
}

template <class Body>
void allow_error(Body&& body) {
  try {
    body();
  } catch (const core::ConfigError& error) {
    require(*error.what() != '\0');
  }
}

void scalars(std::string_view word) {
  constexpr std::array<std::string_view, 3> kChoices = {"gcra", "sliding_log", "fixed_window"};
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  allow_error([&] {
    const std::uint64_t n = core::parse_number("n=", word, 3, 1000);
    require(n >= 3 && n <= 1000);
    require(std::stoull(std::string(word)) == n);
  });
  allow_error([&] { core::parse_number("n=", word, 0, kMost); });
  allow_error([&] {
    const std::uint64_t n = core::parse_size("n=", word, 1024, 1 << 30);
    require(n >= 1024 && n <= 1 << 30);
  });
  allow_error([&] { core::parse_size("n=", word, 0, kMost); });
  allow_error([&] {
    const milliseconds time = core::parse_time("t=", word, milliseconds(5), milliseconds(1000000));
    require(time.count() >= 5 && time.count() <= 1000000);
  });
  allow_error([&] {
    require(core::parse_time("t=", word, milliseconds(0), milliseconds::max()).count() >= 0);
  });
  allow_error([&] { require(core::parse_choice("c=", word, kChoices) < kChoices.size()); });
  allow_error([&] { core::parse_on_off("o=", word); });
  require(core::suggestion(word, kChoices).size() < 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> words = core::split(text, '\n');
  for (std::string_view word : words) scalars(word);
  words.insert(words.begin(), "guard_test");

  core::Words directive(words);
  allow_error([&] { directive.is_off(); });
  allow_error([&] {
    directive.read(1, {"rate", "key", "burst"}, {"dry_run"});
    for (std::string_view name : {"rate", "key", "burst"}) {
      const auto value = directive.named(name);
      require(!value || !value->empty());
    }
    directive.required("rate");
  });
  return 0;
}
