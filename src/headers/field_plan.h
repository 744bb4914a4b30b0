// What a location's policies come to: the fields to send, in the order in which they are laid out,
// and one table of all names whose presence in a response matters. Built while configuration is
// read.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headers/csp_policy.h"
#include "headers/policy.h"

namespace guard::headers {

// When a field goes out: with documents (is_document_type), but not with 304; with all types, but
// not with 304; always; only over HTTPS.
enum class Scope : std::uint8_t { document, content, any, secure };

// What becomes of a field of that name that is there already: it stays and ours is not sent; it is
// removed; it stays and ours is sent as well.
enum class Existing : std::uint8_t { stays, goes, beside };

struct PlannedField {
  std::string name;
  std::string value;
  Scope scope = Scope::any;
  Existing existing = Existing::stays;
  std::vector<StatusRange> statuses = {};  // as in FieldRule
  std::string condition = {};

  bool is_conditional() const { return !statuses.empty() || !condition.empty(); }
  // Only the request knows what it comes to, if to anything.
  bool is_variable() const { return is_conditional() || value.find('$') != std::string::npos; }
  // Whether it goes out with this status, as far as that decides.
  bool suits(std::uint16_t status) const noexcept;
};

// Which of the names matters, found by length, last byte and middle byte before any comparison.
class NameTable {
 public:
  struct Entry {
    std::string name;    // lower case
    std::int16_t field;  // index into FieldPlan::fields, or kHidden
    Existing existing;
    // The field that is sent where the condition of the first is not met, or kHidden: none.
    std::int16_t fallback = kHidden;
    bool hidden = false;  // whether ours is sent or not
  };
  static constexpr std::int16_t kHidden = -1;

  NameTable() = default;
  explicit NameTable(std::vector<Entry> entries);

  bool empty() const { return entries_.empty(); }
  const Entry* find(std::string_view name) const noexcept;

 private:
  static std::uint32_t hash(std::string_view name) noexcept;

  std::vector<Entry> entries_;
  std::vector<std::uint16_t> slots_;  // index + 1 into entries_, 0 is free; a power of two long
};

struct FieldPlan {
  // A bit each in one word.
  static constexpr std::size_t kMax = 64;

  // Constant fields first, of those first document, then content, any and secure: so that what goes
  // out with one type, status and scheme is one run.
  std::vector<PlannedField> fields;
  std::size_t constant = 0;  // how many of them are not variable
  std::size_t document = 0;  // how many of the constant ones are Scope::document
  std::size_t content = 0;   // how many are that or Scope::content
  std::size_t insecure = 0;  // how many are not Scope::secure
  NameTable names;
  bool needs_scheme = false;  // something depends on HTTPS
  bool conditional = false;   // some field is
  bool nonce = false;         // some policy has a fresh nonce
  bool hides_version = false;
  std::vector<std::string> warnings;  // of what guard_csp_add adds
  bool hides_server = false;          // Server was named: not even nginx's own is sent

  bool empty() const { return fields.empty() && names.empty(); }
};

FieldPlan make_plan(const ProfileChoice& profile, const std::vector<FieldRule>& rules,
                    const std::optional<Hsts>& hsts, const HideChoice& hide,
                    const CspChoice& csp = {});

}  // namespace guard::headers
