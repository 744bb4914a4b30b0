#define PCRE2_CODE_UNIT_WIDTH 8

#include "inspect/regex.h"

#include <pcre2.h>

#include <array>
#include <new>
#include <stdexcept>

namespace guard::inspect {

namespace {

// Steps of one search. The rules' own tests need a few thousand.
constexpr std::uint32_t kMatchLimit = 500'000;
constexpr std::uint32_t kDepthLimit = 100'000;

}  // namespace

Regex::Workspace::Workspace()
    : data_(pcre2_match_data_create(kGroups, nullptr)),
      context_(pcre2_match_context_create(nullptr)) {
  if (data_ == nullptr || context_ == nullptr) {
    pcre2_match_data_free(data_);
    pcre2_match_context_free(context_);
    throw std::bad_alloc();
  }
  pcre2_set_match_limit(context_, kMatchLimit);
  pcre2_set_depth_limit(context_, kDepthLimit);
}

Regex::Workspace::~Workspace() {
  pcre2_match_data_free(data_);
  pcre2_match_context_free(context_);
}

std::string_view Regex::Workspace::group(std::string_view subject, std::size_t index) const {
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_);
  const PCRE2_SIZE begin = ends[2 * index];
  const PCRE2_SIZE end = ends[2 * index + 1];
  if (index >= groups_ || begin == PCRE2_UNSET || end < begin || end > subject.size()) return {};
  return subject.substr(begin, end - begin);
}

Regex::Regex(std::string_view pattern, bool ignore_case) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::uint32_t options =
      PCRE2_DOTALL | PCRE2_MULTILINE | (ignore_case ? PCRE2_CASELESS : 0U);
  code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                        &error, &offset, nullptr);
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
}

Regex::Result Regex::search(std::string_view subject, Workspace& workspace) const noexcept {
  // PCRE2 takes no null pointer, of no bytes either.
  const char* text = subject.data() == nullptr ? "" : subject.data();
  const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text), subject.size(), 0, 0,
                                workspace.data_, workspace.context_);
  if (found >= 0) {
    // 0: there are more groups than the workspace holds.
    workspace.groups_ = found == 0 ? Workspace::kGroups : static_cast<std::size_t>(found);
    return Result::yes;
  }
  return found == PCRE2_ERROR_NOMATCH ? Result::no : Result::limit;
}

}  // namespace guard::inspect
