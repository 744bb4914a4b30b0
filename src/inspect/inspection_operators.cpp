// What an operator says of one value, as its rule looks at it.
#include <algorithm>
#include <cstring>

#include "core/address.h"
#include "core/ascii.h"
#include "core/utf8.h"
#include "inspect/inspection.h"

namespace guard::inspect {

namespace {

// For each byte of a pattern that a request has made.
constexpr std::uint64_t kCompileCost = 1000;

bool is_word_end(std::string_view text, std::size_t at) {
  return at >= text.size() || !core::is_letter(text[at]);
}

bool contains_word(std::string_view text, std::string_view word) {
  if (word.empty()) return true;
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    if ((at == 0 || is_word_end(text, at - 1)) && is_word_end(text, at + word.size())) return true;
  }
  return false;
}

// Quicker than find() where many places begin as it does: "/host/" in a list of fields.
bool contains(std::string_view text, std::string_view what) {
  if (what.empty()) return true;
  return !text.empty() && memmem(text.data(), text.size(), what.data(), what.size()) != nullptr;
}

bool bad_url_encoding(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
    if (at + 2 >= text.size() || !core::is_hex(text[at + 1]) || !core::is_hex(text[at + 2])) {
      return true;
    }
  }
  return false;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const core::Utf8Unit unit = core::decode_utf8(text);
    if (!unit.valid) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

}  // namespace

// Charges what it costs to go back.
Regex::Result Inspection::search(const Regex& regex, std::string_view value) {
  const std::uint64_t left = budget_ - std::min(budget_, result_.work);
  std::uint64_t work = left;
  const Regex::Result found = regex.search(value, workspace_, work);
  charge(left - work);
  return found;
}

bool Inspection::matches_regex(const CompiledRule& compiled, std::string_view value) {
  charge(value.size() * kRegexCost + kStepCost);
  if (compiled.takes_all) {
    if (compiled.rule->capture) capture(0, value);
    return true;
  }
  const Regex* regex = compiled.regex.get();
  if (regex == nullptr) {
    const std::string_view pattern = expand(compiled.argument);
    // The same for every request, whatever others have left in the cache.
    charge(pattern.size() * (regexes_.is_new(pattern) ? kCompileCost : 1));
    if (stopped()) return false;
    regex = regexes_.find(pattern);
    if (regex == nullptr) return false;
  }
  switch (search(*regex, value)) {
    case Regex::Result::no:
      return false;
    case Regex::Result::limit:
      // Nobody knows; what goes back so often was made to.
      ++result_.gave_up;
      charge(1'000'000);
      return !compiled.rule->op.negated;
    case Regex::Result::yes:
      break;
  }
  if (compiled.rule->capture) {
    for (std::size_t i = 0; i < workspace_.groups(); ++i) {
      capture(i, workspace_.group(value, i));
    }
  }
  return true;
}

bool Inspection::matches_operator(const CompiledRule& compiled, std::string_view value,
                                  Traits traits) {
  const Operator op = compiled.rule->op.op;
  if (op == Operator::rx) return matches_regex(compiled, value);
  charge(value.size() + kStepCost);
  if (is_comparison(op)) {
    const std::int64_t with = compiled.argument.is_constant()
                                  ? compiled.number
                                  : leading_number(expand(compiled.argument));
    return compare_numbers(op, leading_number(value), with);
  }
  const auto argument = [&] { return expand(compiled.argument); };
  switch (op) {
    case Operator::begins_with:
      return value.starts_with(argument());
    case Operator::contains:
    case Operator::str_match:
      return contains(value, argument());
    case Operator::contains_word:
      return contains_word(value, argument());
    case Operator::ends_with:
      return value.ends_with(argument());
    case Operator::streq:
      return value == argument();
    case Operator::within:
      return contains(argument(), value);
    case Operator::ip_match:
    case Operator::ip_match_from_file: {
      const auto address = core::parse_address(value);
      return address && compiled.networks->contains(*address);
    }
    case Operator::pm:
    case Operator::pm_from_file: {
      charge(value.size() * kRegexCost);
      const std::string_view found = compiled.phrases->find(value);
      if (found.empty()) return false;
      if (compiled.rule->capture) capture(0, found);
      return true;
    }
    case Operator::detect_sqli: {
      const Libinjection& libinjection = program_->libinjection();
      Libinjection::Fingerprint fingerprint{};
      if (!libinjection.loaded() || !libinjection.may_be_sqli(value, traits)) return false;
      charge(value.size() * kRegexCost);
      if (!libinjection.is_sqli(value, fingerprint)) return false;
      if (compiled.rule->capture) {
        capture(0, transaction_.arena().copy(std::string_view(fingerprint.data())));
      }
      return true;
    }
    case Operator::detect_xss:
      // Without one of these there is no tag and no attribute, in whatever context a page puts it.
      if ((traits & trait::of_marks("<=")) == 0 || !program_->libinjection().loaded()) return false;
      charge(value.size() * kRegexCost);
      if (!program_->libinjection().is_xss(value)) return false;
      if (compiled.rule->capture) capture(0, value);
      return true;
    case Operator::validate_byte_range:
      return std::any_of(value.begin(), value.end(),
                         [&](char c) { return !compiled.bytes[static_cast<unsigned char>(c)]; });
    case Operator::validate_url_encoding:
      return bad_url_encoding(value);
    case Operator::validate_utf8_encoding:
      return !is_utf8(value);
    case Operator::unconditional_match:
      return true;
    default:
      // geoLookup and rbl would have to ask somebody: nobody is known, nothing is found.
      return false;
  }
}

bool Inspection::try_subject(const CompiledRule& compiled, const Subject& subject) {
  const Rule& rule = *compiled.rule;
  const Chain& chain = program_->chain(compiled.chain);
  if (!rule.multi_match) {
    Traits traits = subject.traits;
    const std::string_view value = transformed(chain, subject.value, traits);
    return try_value(compiled, subject, value, traits);
  }
  // Before the transformations, and after each that has changed something.
  bool found = try_value(compiled, subject, subject.value, subject.traits);
  std::string_view value = subject.value;
  Traits traits = subject.traits;
  for (const Transformation one : chain.transformations) {
    if (!apply(one, value, traits)) continue;
    if (try_value(compiled, subject, value, traits)) found = true;
    if (stopped()) return found;
  }
  return found;
}

bool Inspection::apply(Transformation transformation, std::string_view& value, Traits& traits) {
  const Traits changed_by = changes(transformation);
  if ((changed_by & traits) == 0 && changed_by != trait::kAny) return false;
  const std::size_t room = transformed_size(value.size());
  char* out = transaction_.arena().allocate(room);
  bool changed = false;
  charge(value.size() + kStepCost);
  value = transform(transformation, value, out, changed);
  transaction_.arena().shrink(value.data() == out ? room - value.size() : room);
  if (changed) traits = byte_traits(value);
  return changed;
}

std::string_view Inspection::transformed(const Chain& chain, std::string_view value,
                                         Traits& traits) {
  const Traits wanted = chain.triggers | (chain.folds_case ? trait::kLetter : 0);
  if ((wanted & traits) == 0 && chain.triggers != trait::kAny) return value;
  for (const Transformation one : chain.transformations) apply(one, value, traits);
  return value;
}

bool Inspection::try_value(const CompiledRule& compiled, const Subject& subject,
                           std::string_view value, Traits traits) {
  if (matches_operator(compiled, value, traits) == compiled.rule->op.negated || stopped())
    return false;
  matched(compiled, subject, value);
  return true;
}

}  // namespace guard::inspect
