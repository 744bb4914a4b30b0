#include "inspect/rule_set.h"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "core/ascii.h"
#include "core/words.h"
#include "inspect/regex.h"
#include "inspect/rule_words.h"

namespace guard::inspect {

namespace {

constexpr int kMaxIncludes = 16;
constexpr std::size_t kMaxFile = 16U << 20;
constexpr std::size_t kMaxRules = 100'000;

std::string at_line(const SourceLine& at) {
  return std::string(at.file) + ":" + std::to_string(at.line) + ": ";
}

}  // namespace

bool Rule::has_tag(std::string_view tag) const {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

int RuleSet::slot_of(std::string_view name) {
  const std::string lower = to_lower(name);
  const auto [entry, is_new] = tx_slots.try_emplace(lower, static_cast<int>(tx_names.size()));
  if (is_new) tx_names.emplace_back(name);
  return entry->second;
}

Macro RuleSet::parse_macro(std::string_view text, const SourceLine& at) {
  Macro macro;
  while (!text.empty()) {
    const std::size_t begin = text.find("%{");
    if (begin > 0) {
      MacroPart part;
      part.text = text.substr(0, begin);
      macro.parts.push_back(std::move(part));
    }
    if (begin == std::string_view::npos) break;
    const std::size_t end = text.find('}', begin);
    if (end == std::string_view::npos) {
      fail_at(at, "a macro is not closed in \"" + std::string(text.substr(begin)) + "\"");
    }
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    const std::size_t dot = name.find_first_of(".:");
    const auto collection = collection_named(name.substr(0, dot));
    MacroPart part;
    part.variable = true;
    if (dot != std::string_view::npos) part.key = to_lower(name.substr(dot + 1));
    if (!collection || (*collection == Collection::tx && part.key.empty())) {
      fail_at(at, "unknown macro \"%{" + std::string(name) + "}\"");
    }
    part.collection = *collection;
    named.set(index_of(part.collection));
    if (part.collection == Collection::tx) part.slot = slot_of(name.substr(dot + 1));
    macro.parts.push_back(std::move(part));
    text.remove_prefix(end + 1);
  }
  return macro;
}

bool read_rule_file(const std::string& path, std::string& text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  try {
    text.assign(std::istreambuf_iterator<char>(file), {});
  } catch (const std::ios_base::failure&) {
    return false;  // a directory can be opened, but not read
  }
  if (text.size() > kMaxFile) errno = EFBIG;
  return !file.bad() && text.size() <= kMaxFile;
}

std::vector<std::string> glob_rule_files(const std::string& pattern) {
  struct Matches : glob_t {
    Matches() : glob_t{} {}
    ~Matches() { globfree(this); }
    Matches(const Matches&) = delete;
    Matches& operator=(const Matches&) = delete;
  } matches;
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &matches) != 0) return paths;
  for (std::size_t i = 0; i < matches.gl_pathc; ++i) paths.emplace_back(matches.gl_pathv[i]);
  return paths;
}

RuleSetBuilder::RuleSetBuilder(FileReader reader, FileGlob glob)
    : reader_(std::move(reader)), glob_(std::move(glob)) {
  // What a capture sets: TX.0 to TX.9 are the first slots.
  for (int i = 0; i < kCaptures; ++i) set_.slot_of(std::to_string(i));
}

void RuleSetBuilder::add_text(std::string_view text, const std::string& name) {
  const std::string& file = set_.files.emplace_back(name);
  parse_seclang(text, file, [this](Directive&& one) { directive(std::move(one)); });
  if (chain_open_) fail_at(set_.rules.back().at, "a chain without its next rule");
}

void RuleSetBuilder::add_files(const std::string& pattern, bool optional, std::string_view before) {
  const std::vector<std::string> paths = glob_(pattern);
  if (paths.empty() && !optional) core::fail(before, "no rule file \"", pattern, "\"");
  for (const std::string& path : paths) {
    std::string text;
    if (!reader_(path, text))
      core::fail(before, "cannot read the rule file \"", path, "\": ", std::strerror(errno));
    add_text(text, path);
  }
}

void RuleSetBuilder::directive(Directive&& one) {
  const std::string name = to_lower(one.name);
  if (chain_open_ && name != "secrule" && name != "secaction") {
    fail_at(one.at, "a chain is not finished before \"" + one.name + "\"");
  }
  if (name == "secrule" || name == "secaction") {
    add_rule(std::move(one));
  } else if (name == "secmarker") {
    add_marker(one);
  } else if (name == "secdefaultaction") {
    add_default(one);
  } else if (name.starts_with("secruleremoveby") || name.starts_with("secruleupdate")) {
    add_update(one, name);
  } else if (name == "include" || name == "includeoptional") {
    if (one.words.size() != 1) fail_at(one.at, "\"" + one.name + "\" takes one path");
    if (++depth_ > kMaxIncludes) fail_at(one.at, "files include each other too deeply");
    std::string path = one.words[0];
    if (!path.starts_with('/')) {
      const std::size_t slash = one.at.file.rfind('/');
      if (slash != std::string_view::npos) {
        path = std::string(one.at.file.substr(0, slash + 1)) + path;
      }
    }
    add_files(path, name == "includeoptional", at_line(one.at));
    --depth_;
  } else if (std::find(kIgnoredDirectiveNames.begin(), kIgnoredDirectiveNames.end(), name) !=
             kIgnoredDirectiveNames.end()) {
    set_.notes.push_back(at_line(one.at) + one.name + " has no effect in guard");
  } else {
    fail_at(one.at, "unknown directive \"" + one.name + "\"");
  }
}

void RuleSetBuilder::add_rule(Directive&& one) {
  if (set_.rules.size() == kMaxRules) fail_at(one.at, "too many rules");
  Rule rule;
  rule.at = one.at;
  rule.action = core::equal_without_case(one.name, "secaction");
  const std::size_t least = rule.action ? 1 : 2;
  if (one.words.size() < least || one.words.size() > (rule.action ? 1U : 3U)) {
    fail_at(one.at, rule.action ? "SecAction takes its actions in one word"
                                : "SecRule takes variables, an operator and actions");
  }
  const bool is_link = chain_open_;
  Rule* first = nullptr;
  if (is_link) {
    first = &set_.rules.back();
    while (first->link) --first;
    rule.link = true;
    rule.phase = first->phase;
    rule.id = first->id;
  }
  if (!rule.action) {
    rule.targets = checked_targets(one.words[0], one.at);
    if (std::all_of(rule.targets.begin(), rule.targets.end(),
                    [](const Target& target) { return target.exclude; })) {
      fail_at(one.at, "a rule with nothing but exclusions");
    }
    rule.op = parse_operator(one.words[1], one.at);
  }
  const std::string_view text = one.words.size() > (rule.action ? 0U : 2U)
                                    ? std::string_view(one.words.back())
                                    : std::string_view{};
  const std::vector<ActionText> actions = parse_actions(text, one.at);
  for (const ActionText& action : actions) {
    if (action.name == "phase" && !is_link) rule.phase = parse_phase(action.value, one.at);
  }
  const Defaults& defaults = defaults_[rule.phase];
  rule.log = defaults.log;
  rule.status = defaults.status;
  rule.redirect = defaults.redirect;
  rule.transformations = defaults.transformations;
  if (!is_link) rule.disruption = defaults.disruption;
  apply_actions(rule, actions, false);
  if (rule.id == 0) fail_at(one.at, "a rule without an id");
  if (!is_link) {
    for (const Rule& other : set_.rules) {
      if (!other.link && other.id == rule.id) {
        fail_at(one.at, "the rule id " + std::to_string(rule.id) + " is also at " +
                            std::string(other.at.file) + ":" + std::to_string(other.at.line));
      }
    }
  }
  chain_open_ = rule.chain;
  const int index = static_cast<int>(set_.rules.size());
  if (is_link) set_.rules.back().next_link = index;
  if (!is_link) {
    set_.steps[rule.phase - 1].push_back({index, {}});
  }
  set_.rules.push_back(std::move(rule));
}

void RuleSetBuilder::add_marker(const Directive& one) {
  if (one.words.size() != 1) fail_at(one.at, "SecMarker takes one name");
  for (auto& steps : set_.steps) steps.push_back({-1, one.words[0]});
}

void RuleSetBuilder::add_default(const Directive& one) {
  if (one.words.size() != 1) fail_at(one.at, "SecDefaultAction takes its actions in one word");
  const std::vector<ActionText> actions = parse_actions(one.words[0], one.at);
  Rule rule;
  rule.at = one.at;
  bool has_phase = false;
  for (const ActionText& action : actions) {
    if (action.name == "phase") {
      rule.phase = parse_phase(action.value, one.at);
      has_phase = true;
    }
  }
  if (!has_phase) fail_at(one.at, "SecDefaultAction without a phase");
  apply_actions(rule, actions, false);
  defaults_[rule.phase] = {rule.log, rule.disruption, rule.status, rule.redirect,
                           rule.transformations};
  if (rule.disruption == Disruption::block) fail_at(one.at, "SecDefaultAction cannot be block");
}

void RuleSetBuilder::add_update(const Directive& one, std::string_view name) {
  using By = Update::By;
  Update update{one.at, By::id, {}, {}, {}, false, {}, {}};
  update.remove = name.starts_with("secruleremove");
  const bool actions = name == "secruleupdateactionbyid";
  if (name.ends_with("bytag")) {
    update.by = By::tag;
  } else if (name.ends_with("bymsg")) {
    update.by = By::msg;
  } else if (!name.ends_with("byid")) {
    fail_at(one.at, "unknown directive \"" + one.name + "\"");
  }
  if (!update.remove && !actions && !name.starts_with("secruleupdatetargetby")) {
    fail_at(one.at, "unknown directive \"" + one.name + "\"");
  }
  if (one.words.empty()) fail_at(one.at, "\"" + one.name + "\" needs to know which rules");
  const std::size_t names = update.remove ? one.words.size() : 1;
  for (std::size_t i = 0; i < names; ++i) {
    update.which.append(i > 0 ? " " : "").append(one.words[i]);
    if (update.by != By::id) {
      if (names > 1) fail_at(one.at, "\"" + one.name + "\" takes one word");
      try {
        const Regex regex(one.words[i]);
      } catch (const std::runtime_error& error) {
        fail_at(one.at, "\"" + one.words[i] + "\": " + error.what());
      }
      update.pattern = one.words[i];
      continue;
    }
    // Several may stand in one word, too.
    std::string_view rest = one.words[i];
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(" ,"), rest.size());
      if (end > 0) update.ids.push_back(parse_range(rest.substr(0, end), one.at));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  if (!update.remove) {
    if (one.words.size() != 2) {
      fail_at(one.at, "\"" + one.name + "\" takes the rules and what to change of them");
    }
    if (actions) {
      update.actions = parse_actions(one.words[1], one.at);
      // What is wrong with it is its own mistake, not that of the rules which are meant.
      Rule rule;
      rule.at = one.at;
      apply_actions(rule, update.actions, true);
    } else {
      update.targets = checked_targets(one.words[1], one.at);
    }
  }
  updates_.push_back(std::move(update));
}

void RuleSetBuilder::apply_update(const Update& update) {
  std::optional<Regex> pattern;
  if (update.by != Update::By::id) pattern.emplace(update.pattern);
  Regex::Workspace workspace;
  const auto concerns = [&](const Rule& rule) {
    const auto found = [&](std::string_view text) {
      return pattern->search(text, workspace) == Regex::Result::yes;
    };
    switch (update.by) {
      case Update::By::id:
        return std::any_of(update.ids.begin(), update.ids.end(),
                           [&](const IdRange& range) { return range.holds(rule.id); });
      case Update::By::tag:
        return std::any_of(rule.tags.begin(), rule.tags.end(), found);
      case Update::By::msg:
        break;
    }
    std::string msg;
    for (const MacroPart& part : rule.msg.parts) msg += part.text;
    return !msg.empty() && found(msg);
  };
  bool found = false;
  for (Rule& rule : set_.rules) {
    // Of a chain: its first rule.
    if (rule.link || !concerns(rule)) continue;
    found = true;
    if (update.remove) rule.removed = true;
    rule.targets.insert(rule.targets.end(), update.targets.begin(), update.targets.end());
    apply_actions(rule, update.actions, true);
  }
  if (!found) {
    set_.warnings.push_back(at_line(update.at) + "no rule is meant by \"" + update.which + '"');
  }
}

// Whoever skips to what is not there skips all.
void RuleSetBuilder::check_markers() {
  for (const auto& steps : set_.steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      for (int index = steps[i].rule; index >= 0;) {
        const Rule& rule = set_.rules[static_cast<std::size_t>(index)];
        index = rule.next_link;
        const auto is_meant = [&](const Step& step) { return step.marker == rule.skip_after; };
        if (rule.skip_after.empty() ||
            std::any_of(steps.begin() + static_cast<std::ptrdiff_t>(i), steps.end(), is_meant)) {
          continue;
        }
        set_.warnings.push_back(at_line(rule.at) + "no SecMarker \"" + rule.skip_after +
                                "\" is behind it, the rest of the phase is skipped");
      }
    }
  }
}

RuleSet RuleSetBuilder::finish() {
  for (const Update& update : updates_) apply_update(update);
  for (Rule& rule : set_.rules) {
    if (rule.disruption == Disruption::block) rule.disruption = defaults_[rule.phase].disruption;
    for (const Target& target : rule.targets) set_.named.set(index_of(target.collection));
  }
  for (auto& steps : set_.steps) {
    std::erase_if(steps, [this](const Step& step) {
      return step.rule >= 0 && set_.rules[static_cast<std::size_t>(step.rule)].removed;
    });
  }
  check_markers();
  return std::exchange(set_, RuleSet{});
}

}  // namespace guard::inspect
