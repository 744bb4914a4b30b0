#include "json/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <new>
#include <string>

#include "core/words.h"
#include "json/pattern_syntax.h"

namespace guard::json {

namespace {

// Steps of one search. A pattern without nested repetitions takes a few for each place where it may
// begin.
constexpr std::uint32_t kMatchLimit = 200'000;
constexpr std::uint32_t kDepthLimit = 2'000;  // without JIT: backtracking inside each other
constexpr std::uint32_t kHeapLimit = 1'024;   // without JIT: KiB
constexpr std::size_t kJitStack = 64 << 10;   // bytes
constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                                   PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const noexcept {
    release(handle);
  }
};

// What all patterns of a process share.
struct Machine {
  std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>> limits{
      pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, Release<pcre2_jit_stack_free>> stack{
      pcre2_jit_stack_create(kJitStack, kJitStack, nullptr)};

  Machine() {
    if (!limits) throw std::bad_alloc();
    pcre2_set_match_limit(limits.get(), kMatchLimit);
    pcre2_set_depth_limit(limits.get(), kDepthLimit);
    pcre2_set_heap_limit(limits.get(), kHeapLimit);
    // Without one of its own JIT takes 32 KiB of the stack.
    if (stack) pcre2_jit_stack_assign(limits.get(), nullptr, stack.get());
  }
};

const Machine& machine() {
  static const Machine one;
  return one;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR units(std::string_view text) noexcept {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct Pattern::Compiled {
  std::unique_ptr<pcre2_code, Release<pcre2_code_free>> code;
  std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>> data;
  pcre2_match_context* limits = nullptr;
  bool jit = false;
};

Pattern::Pattern(std::string_view pattern)
    : simple_(SimplePattern::parse(pattern)), compiled_(std::make_unique<Compiled>()) {
  const std::string translated = translate_pattern(pattern);
  if (simple_) return;
  int error = 0;
  PCRE2_SIZE at = 0;
  compiled_->code.reset(
      pcre2_compile(units(translated), translated.size(), kOptions, &error, &at, nullptr));
  // What PCRE2 says of a place is of its own pattern, and not of the one that the user wrote.
  if (!compiled_->code) core::fail("PCRE2 refuses the pattern: ", message_of(error));
  compiled_->data.reset(pcre2_match_data_create(1, nullptr));
  if (!compiled_->data) throw std::bad_alloc();
  compiled_->limits = machine().limits.get();
  // Systems that allow no memory to be made executable have none.
  compiled_->jit = pcre2_jit_compile(compiled_->code.get(), PCRE2_JIT_COMPLETE) == 0;
}

Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Pattern::Match Pattern::run(std::string_view text) const noexcept {
  const Compiled& with = *compiled_;
  const int found = with.jit ? pcre2_jit_match(with.code.get(), units(text), text.size(), 0, 0,
                                               with.data.get(), with.limits)
                             : pcre2_match(with.code.get(), units(text), text.size(), 0,
                                           PCRE2_NO_UTF_CHECK, with.data.get(), with.limits);
  if (found >= 0) return Match::yes;
  return found == PCRE2_ERROR_NOMATCH ? Match::no : Match::limit;
}

}  // namespace guard::json
