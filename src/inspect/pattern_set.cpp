#include "inspect/pattern_set.h"

#include <hs/hs.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>

#include "inspect/pattern_cache.h"
#include "inspect/regex.h"
#include "inspect/vocabulary.h"
#include "inspect/widened.h"

// What libhs chooses hs_scan from, by the processor. Debian's exports them; others need not.
extern "C" {
[[gnu::weak]] decltype(hs_scan) corei7_hs_scan;
}

namespace guard::inspect {

namespace {

constexpr unsigned kFlags = HS_FLAG_DOTALL | HS_FLAG_MULTILINE | HS_FLAG_SINGLEMATCH;

struct CompileErrorFree {
  void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, CompileErrorFree>;

// Whether it means the same in a row of values.
bool fits_rows(std::string_view expression) {
  for (std::size_t i = 0; i + 1 < expression.size(); ++i) {
    const char next = expression[i + 1];
    if (expression[i] == '\\') {
      if (next == 'A' || next == 'Z' || next == 'z' || next == 'G' || next == 'Q') return false;
      ++i;
    } else if (expression[i] == '(' && next == '*') {
      return false;
    } else if (expression[i] == '(' && next == '?') {
      // Options that are switched off: (?-m), (?^)
      for (std::size_t k = i + 2; k < expression.size() && expression[k] != ')' &&
                                  expression[k] != ':' && expression[k] != '<';
           ++k) {
        if (expression[k] == '-' || expression[k] == '^') return false;
      }
    }
  }
  return true;
}

bool matches_empty(const std::string& expression, bool ignore_case) {
  const Regex regex(expression, ignore_case);
  Regex::Workspace workspace;
  return regex.search("", workspace) != Regex::Result::no;
}

unsigned flags_of(bool ignore_case) {
  return kFlags | (ignore_case ? HS_FLAG_CASELESS : 0U);
}

bool supports(const std::string& expression, unsigned flags) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* text = nullptr;
  const hs_error_t result = hs_expression_info(expression.c_str(), flags, &info, &text);
  const CompileError error(text);
  std::free(info);
  return result == HS_SUCCESS;
}

// From here on a pattern takes long to compile exactly, and may turn out to be too large.
constexpr std::size_t kLong = 400;

// What looks around or back is compiled as less than it asks, and so is what repeats by numbers.
unsigned exact_or_prefilter(const std::string& expression, bool ignore_case) {
  const unsigned flags = flags_of(ignore_case);
  const bool costly = expression.size() > kLong || expression.find('{') != std::string::npos;
  if (!costly && supports(expression, flags)) return flags;
  return supports(expression, flags | HS_FLAG_PREFILTER) ? flags | HS_FLAG_PREFILTER : 0;
}

// Databases in use, by what they were compiled from: the old configuration's serve the new one.
std::weak_ptr<hs_database>& shared_database(const std::string& key) {
  static std::map<std::string, std::weak_ptr<hs_database>> known;
  std::erase_if(known, [](const auto& entry) { return entry.second.expired(); });
  return known[key];
}

std::string escape(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

struct ScanContext {
  std::uint64_t* hits;
  std::uint64_t bits;
};

int on_match(unsigned id, unsigned long long /*from*/, unsigned long long /*to*/,
             unsigned /*flags*/, void* context) {
  const auto& scan = *static_cast<ScanContext*>(context);
  scan.hits[id] |= scan.bits;
  return 0;
}

// The wider codes of Vectorscan 5.4.9, which Debian 12 has, miss what is there: that for AVX-512
// single bytes behind 64 others, that for AVX2 "; insert into" behind 21 to 30 blanks (rule
// 942350). See docs/decisions/search-by-sse.md.
auto* scan_function() {
#if defined(__x86_64__)
  if (corei7_hs_scan != nullptr && __builtin_cpu_supports("sse4.2") != 0) return &corei7_hs_scan;
#endif
  return &hs_scan;
}

// Whether what is known to have been missed is found, wherever it stands.
bool finds_all(const char* expression, std::string_view before, std::string_view after,
               char filling = '-') {
  hs_database_t* database = nullptr;
  hs_compile_error_t* text = nullptr;
  const hs_error_t result =
      hs_compile(expression, kFlags, HS_MODE_BLOCK, &pattern_platform(), &database, &text);
  const CompileError error(text);
  if (result != HS_SUCCESS) return false;
  const std::unique_ptr<hs_database_t, decltype(&hs_free_database)> owner(database,
                                                                          hs_free_database);
  hs_scratch_t* memory = nullptr;
  if (hs_alloc_scratch(database, &memory) != HS_SUCCESS) return false;
  const std::unique_ptr<hs_scratch_t, decltype(&hs_free_scratch)> scratch(memory, hs_free_scratch);
  constexpr std::size_t kLongest = 200;
  for (std::size_t between = 0; between < kLongest; ++between) {
    const std::string row =
        std::string(before) + std::string(between, filling) + std::string(after);
    std::uint64_t hit = 0;
    ScanContext context{&hit, 1};
    if (scan_function()(database, row.data(), static_cast<unsigned>(row.size()), 0, memory,
                        on_match, &context) != HS_SUCCESS ||
        hit == 0) {
      return false;
    }
  }
  return true;
}

void try_library() {
  static const bool works =
      finds_all("\\}", "", "}\n") && finds_all("a.*b", "a", "b\n") &&
      finds_all("\\$\\{.*\\}", "${", "}\n") && finds_all("<[^>]*>", "<", ">\n\n") &&
      finds_all("union.*select", "union", "select\n") && finds_all("-[^-]", "-", "x\n") &&
      finds_all(
          "(?i:(?:;\\s*?(?:(?:(?:trunc|cre|upd)at|renam)e|(?:inser|selec)t|de(?:lete|sc)|alter|"
          "load)\\b\\s*?[\\[(]?\\w{2,}|create\\s+function\\s+.+\\s+returns))",
          "", "; insert into\n", ' ');
  if (!works) {
    throw std::runtime_error(
        "vectorscan does not find what there is on this processor, another libhs is needed");
  }
}

}  // namespace

// Of x86 the least, which all of its codes can search by.
const hs_platform_info& pattern_platform() noexcept {
  static const hs_platform_info platform = [] {
    hs_platform_info own{};
#if !defined(__x86_64__)
    hs_populate_platform(&own);
#endif
    return own;
  }();
  return platform;
}

ScanMemory::~ScanMemory() {
  hs_free_scratch(scratch_);
}

bool PatternSet::takes(const std::string& expression, bool ignore_case) {
  return expression.find('\0') == std::string::npos && fits_rows(expression) &&
         !matches_empty(expression, ignore_case) &&
         exact_or_prefilter(expression, ignore_case) != 0;
}

PatternSet::Origin PatternSet::compile(const std::vector<PatternText>& patterns,
                                       PatternCache* cache) {
  if (patterns.empty()) return Origin::shared;
  try_library();
  std::vector<std::string> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  texts.reserve(patterns.size());
  for (const PatternText& pattern : patterns) {
    ids.push_back(pattern.id);
    if (pattern.phrase) {
      texts.push_back(escape(pattern.expression));
      flags.push_back(flags_of(true));
      continue;
    }
    texts.push_back(widened(pattern.expression));
    flags.push_back(exact_or_prefilter(texts.back(), pattern.ignore_case));
    if (flags.back() != 0) continue;
    texts.back() = pattern.expression;
    flags.back() = exact_or_prefilter(pattern.expression, pattern.ignore_case);
  }
  std::string key;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    key += texts[i] + '\0' + std::to_string(flags[i]) + ' ' + std::to_string(ids[i]) + '\0';
  }
  std::weak_ptr<hs_database>& shared = shared_database(key);
  database_ = shared.lock();
  if (database_ != nullptr) return Origin::shared;
  if (cache != nullptr) database_ = cache->load(key);
  if (database_ != nullptr) {
    shared = database_;
    return Origin::cache;
  }
  hs_database_t* database = nullptr;
  while (database == nullptr) {
    std::vector<const char*> expressions;
    expressions.reserve(texts.size());
    for (const std::string& text : texts) expressions.push_back(text.c_str());
    hs_compile_error_t* failure = nullptr;
    const hs_error_t result = hs_compile_multi(
        expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(expressions.size()),
        HS_MODE_BLOCK, &pattern_platform(), &database, &failure);
    const CompileError error(failure);
    if (result == HS_SUCCESS) break;
    const std::size_t at = error && error->expression >= 0
                               ? static_cast<std::size_t>(error->expression)
                               : texts.size();
    // What is too large all the same is asked of every value.
    if (at >= texts.size() || texts[at] == ".") {
      throw std::runtime_error("vectorscan: " + std::string(error ? error->message : "failed"));
    }
    if ((flags[at] & HS_FLAG_PREFILTER) == 0) {
      flags[at] |= HS_FLAG_PREFILTER;
    } else {
      texts[at] = ".";
    }
  }
  database_ =
      std::shared_ptr<hs_database>(database, [](hs_database* one) { hs_free_database(one); });
  shared = database_;
  if (cache != nullptr) cache->store(key, database);
  return Origin::compiler;
}

std::size_t PatternSet::bytes() const {
  std::size_t size = 0;
  if (database_ != nullptr) hs_database_size(database_.get(), &size);
  return size;
}

bool PatternSet::prepare(ScanMemory& memory) const noexcept {
  return database_ == nullptr || hs_alloc_scratch(database_.get(), &memory.scratch_) == HS_SUCCESS;
}

bool PatternSet::scan(std::string_view text, ScanMemory& memory, std::uint64_t* hits,
                      std::uint64_t bits) const noexcept {
  if (text.size() > std::numeric_limits<unsigned>::max()) return false;
  ScanContext context{hits, bits};
  return scan_function()(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0,
                         memory.scratch_, on_match, &context) == HS_SUCCESS;
}

}  // namespace guard::inspect
