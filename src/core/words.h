// The words of one directive: positional words first, then name=value words in any order, flags
// last. Every policy is parsed from Words, so that what is wrong is always said the same way.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace guard::core {

// A mistake in the configuration. what() is the text after file and line: nginx's tone, lower case,
// no full stop, the offender quoted. Thrown only while configuration is read; the fence
// (ngx/fence.h) turns it into one [emerg] line.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// fail("unknown rate policy \"", name, "\"")
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::string text;
  (text.append(std::string_view(parts)), ...);
  throw ConfigError(text);
}

// The one of candidates that is nearest to word, as `, did you mean "auth"?`, or empty. At most two
// edits (a swap of neighbours is one), and no more than half of the letters.
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

// Scalars in nginx's own notation. All throw ConfigError that quotes name and value; name is as the
// user writes it: "burst=" for a named word, the directive's name for a positional one. A limit
// that is the type's largest value is not mentioned.
bool parse_on_off(std::string_view name, std::string_view value);
std::uint64_t parse_number(std::string_view name, std::string_view value, std::uint64_t min,
                           std::uint64_t max);
// 512, 16k, 10m, 1g; bytes
std::uint64_t parse_size(std::string_view name, std::string_view value, std::uint64_t min,
                         std::uint64_t max);
// 100ms, 5s, 1m30s, 2h, 1d, 1w, 1M (30 days), 1y (365 days); a bare number is seconds
std::chrono::milliseconds parse_time(std::string_view name, std::string_view value,
                                     std::chrono::milliseconds min, std::chrono::milliseconds max);
// The index of value in choices.
std::size_t parse_choice(std::string_view name, std::string_view value,
                         std::span<const std::string_view> choices);
// One part more than there are separators; parts may be empty.
std::vector<std::string_view> split(std::string_view text, char separator);

class Words {
 public:
  // words[0] is the directive's name. The views must outlive this object.
  explicit Words(std::vector<std::string_view> words);

  std::string_view directive() const { return words_.front(); }
  std::size_t size() const { return words_.size() - 1; }  // without the directive's name
  std::string_view operator[](std::size_t i) const { return words_[i + 1]; }
  std::span<const std::string_view> all() const { return std::span(words_).subspan(1); }

  // True for `directive off`, the word that clears what was inherited. `off` with more words
  // throws.
  bool is_off() const;

  // Reads the words: the first `positional` are taken as they are, each later one must be
  // `name=value` with a name in `named` (there without the '='), or be one of `flags`. Throws on an
  // unknown word (with a suggestion), a duplicate one, an empty value, and on too few positional
  // words. The value of a word is quoted only where the word is no `name=value`, and of a URL only
  // the scheme, since it may be a secret.
  void read(std::size_t positional, std::initializer_list<std::string_view> named,
            std::initializer_list<std::string_view> flags = {});

  // After read().
  std::optional<std::string_view> named(std::string_view name) const;
  std::string_view required(std::string_view name) const;  // throws if it is missing
  bool flag(std::string_view name) const;

 private:
  std::vector<std::string_view> words_;
  std::vector<std::pair<std::string_view, std::string_view>> named_;
  std::vector<std::string_view> flags_;
};

}  // namespace guard::core
