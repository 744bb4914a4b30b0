#define PCRE2_CODE_UNIT_WIDTH 8

#include "inspect/regex.h"

#include <pcre2.h>

#include <array>
#include <limits>
#include <new>
#include <optional>
#include <stdexcept>

#include "inspect/regex_callouts.h"

namespace guard::inspect {

namespace {

// Steps from one place where a match may begin. The rules' own tests need a few thousand.
constexpr std::uint32_t kMatchLimit = 500'000;
constexpr std::uint32_t kDepthLimit = 100'000;
// Short texts are searched without counting first, with so few steps.
constexpr std::size_t kShortText = 256;
constexpr std::uint32_t kShortSteps = 64;
constexpr std::uint64_t kCalloutWork = 4;  // units
// Bytes where the matcher remembers what it may go back to: of "^(?:[a-z]|,)*$" each letter of a
// value. What is not used takes no memory.
constexpr std::size_t kLeastStack = 32U << 10;
constexpr std::size_t kMostStack = 64U << 20;

struct Meter {
  std::uint64_t work = 0;
  std::size_t last = 0;  // where the matcher was
};

extern "C" int take_work(pcre2_callout_block* callout, void* data) {
  Meter& meter = *static_cast<Meter*>(data);
  const std::size_t at = callout->current_position;
  const std::uint64_t cost = kCalloutWork + (at > meter.last ? at - meter.last : 0);
  meter.last = at;
  if (cost > meter.work) {
    meter.work = 0;
    return PCRE2_ERROR_CALLOUT;
  }
  meter.work -= cost;
  return 0;
}

PCRE2_SPTR units(std::string_view text) noexcept {
  // PCRE2 takes no null pointer, of no bytes either.
  return reinterpret_cast<PCRE2_SPTR>(text.data() == nullptr ? "" : text.data());
}

}  // namespace

Regex::Workspace::Workspace()
    : data_(pcre2_match_data_create(kGroups, nullptr)),
      brief_(pcre2_match_context_create(nullptr)),
      counting_(pcre2_match_context_create(nullptr)),
      stack_(pcre2_jit_stack_create(kLeastStack, kMostStack, nullptr)) {
  if (data_ == nullptr || brief_ == nullptr || counting_ == nullptr || stack_ == nullptr) {
    release();
    throw std::bad_alloc();
  }
  pcre2_set_match_limit(brief_, kShortSteps);
  pcre2_set_match_limit(counting_, kMatchLimit);
  pcre2_set_depth_limit(counting_, kDepthLimit);
  pcre2_jit_stack_assign(counting_, nullptr, stack_);
}

Regex::Workspace::~Workspace() {
  release();
}

void Regex::Workspace::release() noexcept {
  pcre2_match_data_free(data_);
  pcre2_match_context_free(brief_);
  pcre2_match_context_free(counting_);
  pcre2_jit_stack_free(stack_);
}

std::string_view Regex::Workspace::group(std::string_view subject, std::size_t index) const {
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_);
  const PCRE2_SIZE begin = ends[2 * index];
  const PCRE2_SIZE end = ends[2 * index + 1];
  if (index >= groups_ || begin == PCRE2_UNSET || end < begin || end > subject.size()) return {};
  return subject.substr(begin, end - begin);
}

Regex::Regex(std::string_view pattern, bool ignore_case)
    : counted_options_(PCRE2_DOTALL | PCRE2_MULTILINE | (ignore_case ? PCRE2_CASELESS : 0U)) {
  const std::uint32_t options = counted_options_;
  if (const std::optional<std::string> counted = with_callouts(pattern)) {
    repeats_ = *counted != pattern;
    counted_pattern_ = *counted;
  } else {
    counted_pattern_ = pattern;
    counted_options_ |= PCRE2_AUTO_CALLOUT;
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_ = pcre2_compile(units(pattern), pattern.size(), options, &error, &offset, nullptr);
  if (code_ == nullptr) {
    std::array<PCRE2_UCHAR, 128> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    throw std::runtime_error(std::string(reinterpret_cast<const char*>(text.data())) + " at byte " +
                             std::to_string(offset));
  }
  // Without it the search is slower, no more.
  static_cast<void>(pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE));
}

Regex::~Regex() {
  pcre2_code_free(code_);
  pcre2_code_free(counted_);
}

// What PCRE2 would say of the code with callouts.
int Regex::count(std::string_view subject, Workspace& workspace,
                 std::uint64_t& work) const noexcept {
  if (counted_ == nullptr) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    counted_ = pcre2_compile(units(counted_pattern_), counted_pattern_.size(), counted_options_,
                             &error, &offset, nullptr);
    if (counted_ == nullptr) return PCRE2_ERROR_NOMEMORY;
    static_cast<void>(pcre2_jit_compile(counted_, PCRE2_JIT_COMPLETE));
  }
  Meter meter{work, 0};
  pcre2_set_callout(workspace.counting_, take_work, &meter);
  const int found = pcre2_match(counted_, units(subject), subject.size(), 0, 0, workspace.data_,
                                workspace.counting_);
  work = meter.work;
  return found;
}

Regex::Result Regex::search(std::string_view subject, Workspace& workspace,
                            std::uint64_t& work) const noexcept {
  int found = PCRE2_ERROR_MATCHLIMIT;
  if (!repeats_ || subject.size() <= kShortText) {
    found =
        pcre2_match(code_, units(subject), subject.size(), 0, 0, workspace.data_, workspace.brief_);
  }
  if (found < 0 && found != PCRE2_ERROR_NOMATCH) found = count(subject, workspace, work);
  if (found >= 0) {
    // 0: there are more groups than the workspace holds.
    workspace.groups_ = found == 0 ? Workspace::kGroups : static_cast<std::size_t>(found);
    return Result::yes;
  }
  return found == PCRE2_ERROR_NOMATCH ? Result::no : Result::limit;
}

Regex::Result Regex::search(std::string_view subject, Workspace& workspace) const noexcept {
  std::uint64_t work = std::numeric_limits<std::uint64_t>::max();
  return search(subject, workspace, work);
}

}  // namespace guard::inspect
