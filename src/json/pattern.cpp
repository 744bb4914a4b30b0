#include "json/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <new>
#include <optional>
#include <string>

#include "core/words.h"
#include "json/pattern_syntax.h"

namespace guard::json {

namespace {

// Steps from one place where a match may begin, for patterns that try without end without repeating
// anything.
constexpr std::uint32_t kMatchLimit = 200'000;
constexpr std::uint32_t kDepthLimit = 2'000;  // without JIT: backtracking inside each other
constexpr std::uint32_t kHeapLimit = 1'024;   // without JIT: KiB
constexpr std::size_t kJitStack = 64 << 10;   // bytes
// Short texts are tried without callouts, which cost more than the rest, and so many steps: enough
// for most that do not try twice.
constexpr std::size_t kShortText = 64;
constexpr std::uint32_t kShortSteps = 32;
constexpr std::uint32_t kShortStepsPerByte = 4;
// Of a search.
constexpr std::int64_t kSearchWork = 8;
// Of a place where a match does not begin.
constexpr std::int64_t kPlaceWork = 6;
constexpr std::uint32_t kOptions = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                                   PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const noexcept {
    release(handle);
  }
};

using Context = std::unique_ptr<pcre2_match_context, Release<pcre2_match_context_free>>;

struct Meter {
  std::int64_t work = 0;
  std::size_t last = 0;  // where the matcher was
};

extern "C" int take_work(pcre2_callout_block* callout, void* data) {
  Meter& meter = *static_cast<Meter*>(data);
  const std::size_t at = callout->current_position;
  const std::size_t moved = at < meter.last ? meter.last - at : at - meter.last;
  meter.last = at;
  meter.work -= static_cast<std::int64_t>(callout->callout_number + moved);
  return meter.work < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

// What all patterns of a process share.
struct Machine {
  std::unique_ptr<pcre2_jit_stack, Release<pcre2_jit_stack_free>> stack{
      pcre2_jit_stack_create(kJitStack, kJitStack, nullptr)};
  Context limits = make();
  Context brief = make();
  Context metered = make();

  Context make() const {
    Context limited(pcre2_match_context_create(nullptr));
    if (!limited) throw std::bad_alloc();
    pcre2_set_match_limit(limited.get(), kMatchLimit);
    pcre2_set_depth_limit(limited.get(), kDepthLimit);
    pcre2_set_heap_limit(limited.get(), kHeapLimit);
    // Without one of its own JIT takes 32 KiB of the stack.
    if (stack) pcre2_jit_stack_assign(limited.get(), nullptr, stack.get());
    return limited;
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
  struct Code {
    std::unique_ptr<pcre2_code, Release<pcre2_code_free>> code;
    bool jit = false;

    explicit Code(const std::string& pattern) {
      int error = 0;
      PCRE2_SIZE at = 0;
      code.reset(pcre2_compile(units(pattern), pattern.size(), kOptions, &error, &at, nullptr));
      // What PCRE2 says of a place is of its own pattern, and not of the one that the user wrote.
      if (!code) core::fail("PCRE2 refuses the pattern: ", message_of(error));
      // Systems that allow no memory to be made executable have none.
      jit = pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE) == 0;
    }

    int search(std::string_view text, pcre2_match_data* found,
               pcre2_match_context* context) const noexcept {
      return jit ? pcre2_jit_match(code.get(), units(text), text.size(), 0, 0, found, context)
                 : pcre2_match(code.get(), units(text), text.size(), 0, PCRE2_NO_UTF_CHECK, found,
                               context);
    }
  };

  Code plain;
  std::optional<Code> counted;  // if it repeats anything
  bool anchored = false;        // a match begins where the text does
  std::unique_ptr<pcre2_match_data, Release<pcre2_match_data_free>> data;
  const Machine& with = machine();

  Compiled(const std::string& translated, const std::string& with_callouts) : plain(translated) {
    if (with_callouts != translated) counted.emplace(with_callouts);
    std::uint32_t options = 0;
    pcre2_pattern_info(plain.code.get(), PCRE2_INFO_ALLOPTIONS, &options);
    anchored = (options & PCRE2_ANCHORED) != 0;
    data.reset(pcre2_match_data_create(1, nullptr));
    if (!data) throw std::bad_alloc();
  }

  int search(std::string_view text, std::int64_t& work) const noexcept {
    work -= kSearchWork;
    if (work < 0) return PCRE2_ERROR_CALLOUT;
    const int found =
        counted ? search_counted(text, work) : plain.search(text, data.get(), with.limits.get());
    if (!anchored) {
      const std::size_t begun = found >= 0 ? pcre2_get_ovector_pointer(data.get())[0] : text.size();
      work -= kPlaceWork * static_cast<std::int64_t>(begun);
    }
    return found;
  }

 private:
  int search_counted(std::string_view text, std::int64_t& work) const noexcept {
    if (anchored && text.size() <= kShortText) {
      const auto size = static_cast<std::uint32_t>(text.size());
      pcre2_set_match_limit(with.brief.get(), kShortSteps + kShortStepsPerByte * size);
      const int found = plain.search(text, data.get(), with.brief.get());
      if (found >= 0 || found == PCRE2_ERROR_NOMATCH) return found;
    }
    Meter meter{work, 0};
    pcre2_set_callout(with.metered.get(), take_work, &meter);
    const int found = counted->search(text, data.get(), with.metered.get());
    work = meter.work;
    return found;
  }
};

Pattern::Pattern(std::string_view pattern) : simple_(SimplePattern::parse(pattern)) {
  const std::string translated = translate_pattern(pattern);
  if (simple_) return;
  compiled_ = std::make_unique<Compiled>(translated, translate_pattern(pattern, true));
}

Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

Pattern::Match Pattern::run(std::string_view text, std::int64_t& work) const noexcept {
  const int found = compiled_->search(text, work);
  if (found >= 0) return Match::yes;
  return found == PCRE2_ERROR_NOMATCH ? Match::no : Match::limit;
}

}  // namespace guard::json
