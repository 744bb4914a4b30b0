// A regular expression of a rule, compiled by PCRE2 as ModSecurity compiles it: '.' is any byte,
// '^' and '$' are at every line. Bytes, not UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace guard::inspect {

class Regex {
 public:
  // Of one search: where the groups matched. A worker has one for all.
  class Workspace {
   public:
    static constexpr std::size_t kGroups = 10;

    Workspace();
    ~Workspace();
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    // Groups of the last search that found something: the whole is 0.
    std::size_t groups() const { return groups_; }
    // Empty too where the group has no part in the match.
    std::string_view group(std::string_view subject, std::size_t index) const;

   private:
    friend class Regex;
    void release() noexcept;

    pcre2_real_match_data_8* data_;
    pcre2_real_match_context_8* brief_;
    pcre2_real_match_context_8* counting_;
    pcre2_real_jit_stack_8* stack_;
    std::size_t groups_ = 0;
  };

  enum class Result : std::uint8_t { no, yes, limit };

  // Throws std::runtime_error with PCRE2's words.
  explicit Regex(std::string_view pattern, bool ignore_case = false);
  ~Regex();
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  // work: what it may cost in units (see kStepCost) besides looking at each byte once; that much is
  // taken off it. limit: it was not enough, or from one place the search has gone back more often
  // than any honest value makes it.
  Result search(std::string_view subject, Workspace& workspace, std::uint64_t& work) const noexcept;
  // With as much work as it takes, for texts that are no client's.
  Result search(std::string_view subject, Workspace& workspace) const noexcept;

 private:
  int count(std::string_view subject, Workspace& workspace, std::uint64_t& work) const noexcept;

  pcre2_real_code_8* code_ = nullptr;
  // The same with callouts, and that made of it when it is first needed.
  std::string counted_pattern_;
  std::uint32_t counted_options_;
  bool repeats_ = true;
  mutable pcre2_real_code_8* counted_ = nullptr;
};

}  // namespace guard::inspect
