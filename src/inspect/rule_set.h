// Rules as their files say them, put together: chains linked, actions read, what is removed or
// changed by other directives removed or changed. Nothing of a request. Throws core::ConfigError
// that begins with "FILE:LINE: ".
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/regex.h"
#include "inspect/seclang.h"
#include "inspect/vocabulary.h"

namespace guard::inspect {

inline constexpr int kNoSlot = -1;
// The first slots of TX are those of TX.0 to TX.9, which regexes capture.
inline constexpr int kCaptures = 10;

// Text with variables in it: "Matched Data: %{TX.0} found".
struct MacroPart {
  std::string text;  // where there is no variable
  bool variable = false;
  Collection collection = Collection::tx;
  std::string key;     // lower case, of a collection's member
  int slot = kNoSlot;  // of TX
};

struct Macro {
  std::vector<MacroPart> parts;

  bool is_constant() const { return parts.empty() || (parts.size() == 1 && !parts[0].variable); }
  // Of a constant one.
  std::string_view constant() const {
    return parts.empty() ? std::string_view{} : std::string_view(parts[0].text);
  }
};

enum class Assignment : std::uint8_t { set, add, subtract, unset };

struct SetVar {
  Collection collection = Collection::tx;
  int slot = kNoSlot;  // of TX, where the name is constant
  Macro name;
  bool may_have_slot = true;  // a name that a request makes may be one of those that rules write
  Assignment assignment = Assignment::set;
  Macro value;
};

struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool holds(std::uint32_t id) const { return id >= first && id <= last; }
};

struct Control {
  ControlKind kind = ControlKind::nothing;
  std::shared_ptr<const Regex> regex;  // of a target's selector
  IdRange ids;
  std::string text;  // a tag, a message, "off", "json"
  Target target;
  std::uint32_t tag = 0;  // of the target's selector, if it is a name: tag_of()
};

enum class Disruption : std::uint8_t { pass, block, deny, drop, allow, redirect };

// allow: which rules need not be asked any more.
enum class AllowScope : std::uint8_t { transaction, phase, request };

inline constexpr std::uint8_t kNoSeverity = 255;

struct Rule {
  SourceLine at;
  std::uint32_t id = 0;  // of a chain: of its first rule
  std::uint8_t phase = 2;
  bool action = false;  // SecAction: matches always
  std::vector<Target> targets;
  OperatorText op;
  std::vector<Transformation> transformations;
  bool capture = false;
  bool multi_match = false;
  bool log = true;
  std::vector<SetVar> setvars;
  std::vector<Control> controls;
  Disruption disruption = Disruption::pass;
  AllowScope allow = AllowScope::transaction;
  std::uint16_t status = 403;
  Macro redirect;  // the address
  std::uint32_t skip = 0;
  std::string skip_after;
  Macro msg;
  Macro logdata;
  std::vector<std::string> tags;
  std::uint8_t severity = kNoSeverity;
  std::string version;
  bool chain = false;  // the next rule belongs to it
  int next_link = -1;  // index of that rule
  bool link = false;   // it is such a next rule
  bool removed = false;

  bool has_tag(std::string_view tag) const;
};

// A step of a phase: a rule that begins a chain or stands alone, or a marker.
struct Step {
  int rule = -1;
  std::string marker;
};

// Of a request two, of an answer two, and that which only tells.
inline constexpr int kPhases = 5;
inline constexpr int kRequestPhases = 2;

struct RuleSet {
  std::deque<std::string> files;  // names; what SourceLine's views are of
  std::vector<Rule> rules;
  std::vector<Step> steps[kPhases];
  std::map<std::string, int, std::less<>> tx_slots;  // lower case
  std::vector<std::string> tx_names;                 // by slot, as they were first written
  std::vector<std::string> notes;     // what was read and has no effect here, "FILE:LINE: ..."
  std::vector<std::string> warnings;  // what means rules that are not there, likewise
  // What any rule asks for, or has in a text.
  std::bitset<kCollectionCount> named;

  int slot_of(std::string_view name);
  // A text with variables in it, as "%{tx.name}"; those of TX have their slots then.
  Macro parse_macro(std::string_view text, const SourceLine& at);
};

// Whence a rule file's text comes; answers false where it cannot be read. For tests and for files.
using FileReader = std::function<bool(const std::string& path, std::string& text)>;
using FileGlob = std::function<std::vector<std::string>(const std::string& pattern)>;

bool read_rule_file(const std::string& path, std::string& text);
std::vector<std::string> glob_rule_files(const std::string& pattern);  // sorted; may be empty

class RuleSetBuilder {
 public:
  explicit RuleSetBuilder(FileReader reader = read_rule_file, FileGlob glob = glob_rule_files);

  void add_text(std::string_view text, const std::string& name);
  // A path, or a pattern of which there must be a file unless optional.
  // before: what an error begins with.
  void add_files(const std::string& pattern, bool optional = false, std::string_view before = {});
  // After all files. The builder is empty then.
  RuleSet finish();

 private:
  struct Update {
    SourceLine at;
    enum class By : std::uint8_t { id, tag, msg } by;
    std::vector<IdRange> ids;
    std::string pattern;
    std::string which;  // as it is written
    bool remove = false;
    std::vector<Target> targets;
    std::vector<ActionText> actions;
  };
  struct Defaults {
    bool log = true;
    Disruption disruption = Disruption::pass;
    std::uint16_t status = 403;
    Macro redirect;
    std::vector<Transformation> transformations;
  };

  void directive(Directive&& directive);
  void add_rule(Directive&& directive);
  void add_marker(const Directive& directive);
  void add_default(const Directive& directive);
  void add_update(const Directive& directive, std::string_view name);
  void apply_actions(Rule& rule, const std::vector<ActionText>& actions, bool is_update);
  bool apply_disruption(Rule& rule, const ActionText& action);
  bool apply_text(Rule& rule, const ActionText& action);
  SetVar parse_setvar(const std::string& text, const SourceLine& at);
  Control parse_control(const std::string& text, const SourceLine& at);
  void apply_update(const Update& update);
  void check_markers();

  FileReader reader_;
  FileGlob glob_;
  RuleSet set_;
  std::vector<Update> updates_;
  Defaults defaults_[6];
  bool chain_open_ = false;
  int depth_ = 0;  // of Include
};

}  // namespace guard::inspect
