// The directives of guard_inspect and its like: the rules of each location, made ready, and what is
// counted of them. What is done with requests is in inspection_module.cpp. The second module file
// is named after this module, which stands first in it.

#include "inspect/inspect_module.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/local_answer.h"
#include "core/metric_histogram.h"
#include "core/metrics.h"
#include "inspect/crs.h"
#include "inspect/inspection_module.h"
#include "inspect/pattern_cache.h"
#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/module.h"

extern "C" {
extern ngx_module_t ngx_http_guard_inspect_module;
}

namespace guard::inspect {

namespace {

// What makes a program: locations that say the same share it.
struct Source {
  std::vector<std::string> files;
  int paranoia = 0;
  int threshold = 0;
  bool libinjection = true;
  bool response = false;
  int response_threshold = 0;
  std::string excludes;

  auto operator<=>(const Source&) const = default;
};

constexpr std::string_view kSwitch = "guard_inspect";

constexpr core::MetricFamily kScores = {"guard_inspect_score", core::MetricType::histogram, "",
                                        "Anomaly scores of the requests that were inspected"};
constexpr core::MetricFamily kHits = {"guard_inspect_rule_hits", core::MetricType::counter, "",
                                      "Requests in which a rule has found something, by its id"};

struct MainConf {
  std::optional<std::string> cache_directory;  // empty: off
  std::unique_ptr<PatternCache> cache;         // while the configuration is read
  ngx::Place cache_place;
  std::string_view refined;  // the first directive that only says how "guard_inspect on" goes about
  ngx::Place refined_at;
  std::string no_cache;  // why there is none, if not because of "off"
  std::map<Source, std::shared_ptr<const Program>> programs;
  std::set<std::string> notes;  // of rule files, told by then
  core::Histogram scores{{0, 4, 9, 14, 19, 29, 49, 99}, 0};
  const core::MetricBlock* score_block = nullptr;      // null: nothing is inspected
  std::map<std::uint32_t, const core::Counter*> hits;  // by the ids of all rules that tell
};

// What is said of a location's rules is found once all directives of its levels have been read.
struct Places {
  ngx::Place last;  // directive of this room
  ngx::Place files;
  std::vector<ngx::Place> excludes;  // a line of LocationConf::excludes each
};

struct LocationConf {
  Places places;
  std::optional<Switch> inspect;
  std::optional<std::vector<std::string>> files;
  std::optional<int> paranoia;
  std::optional<int> threshold;
  std::optional<Budget> budget;
  std::optional<bool> libinjection;
  std::optional<std::string> excludes;
  std::optional<ResponsePolicy> response;
  std::shared_ptr<const Policy> policy;  // null: off
};

const MainConf& main_of(const ngx_http_request_t* r) noexcept {
  return *static_cast<const MainConf*>(
      ngx_http_get_module_main_conf(r, ngx_http_guard_inspect_module));
}

template <class T>
void set_once(const core::Words& words, std::optional<T>& slot, T value) {
  if (slot) core::fail("\"", words.directive(), "\" directive is duplicate");
  slot = std::move(value);
}

void note_place(ngx_conf_t* cf, const core::Words& words, LocationConf& conf) {
  conf.places.last = ngx::place_of(cf);
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  if (!main.refined.empty() || words.directive() == kSwitch) return;
  main.refined = words.directive();
  main.refined_at = conf.places.last;
}

// The set function of a directive of a location that stands once.
template <auto slot, auto parse>
void set_parsed(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  set_once(words, conf.*slot, parse(words));
  note_place(cf, words, conf);
}

void set_rules(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  std::vector<std::string> files;
  for (const std::string_view word : words.all()) {
    files.emplace_back(is_rule_word(word) ? word : ngx::path_near(cf, word));
  }
  set_once(words, conf.files, std::move(files));
  note_place(cf, words, conf);
  conf.places.files = conf.places.last;
}

bool parse_libinjection(const core::Words& words) {
  return core::parse_on_off(words.directive(), words[0]);
}

void set_exclude(ngx_conf_t* cf, core::Words& words, LocationConf& conf) {
  note_place(cf, words, conf);
  if (words.is_off()) {
    if (conf.excludes) core::fail("\"guard_inspect_exclude off\" beside other exclusions");
    conf.excludes.emplace();
    return;
  }
  std::string text = parse_exclude(words);
  if (conf.excludes && conf.excludes->empty()) {
    core::fail("\"guard_inspect_exclude\" after \"guard_inspect_exclude off\"");
  }
  conf.excludes = conf.excludes.value_or("") + text;
  conf.places.excludes.push_back(conf.places.last);
}

bool write_scores(void* context, std::size_t index, core::MetricText& out) {
  if (index != 0) return false;
  const auto& main = *static_cast<const MainConf*>(context);
  main.scores.write(out, {}, *main.score_block);
  return true;
}

// Rules that have found nothing yet are left out: there are hundreds.
bool write_hits(void* context, std::size_t index, core::MetricText& out) {
  constexpr std::size_t kPiece = 32;
  const auto& hits = static_cast<const MainConf*>(context)->hits;
  if (index * kPiece >= hits.size()) return false;
  auto next = std::next(hits.begin(), static_cast<std::ptrdiff_t>(index * kPiece));
  for (std::size_t i = 0; i < kPiece && next != hits.end(); ++i, ++next) {
    const std::uint64_t count = next->second->value();
    if (count == 0) continue;
    out.sample(core::metric_labels({{"rule", std::to_string(next->first)}}), count);
  }
  return true;
}

// A place for each rule that tells what it has found, kept over reloads by its id.
void count_hits(ngx_conf_t* cf, const Program& program) {
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  core::MetricRegistry& registry = core::metrics_of(cf);
  if (main.score_block == nullptr) {
    main.score_block =
        &registry.block("inspect score", static_cast<std::uint32_t>(main.scores.words()));
    registry.add(kScores, write_scores, &main);
    registry.add(kHits, write_hits, &main);
  }
  for (const Rule& rule : program.rules().rules) {
    if (rule.id == 0 || rule.link || rule.removed || !rule.log) continue;
    const core::Counter*& hits = main.hits[rule.id];
    if (hits == nullptr) {
      hits = &registry.hidden_counter("inspect rule " + std::to_string(rule.id));
    }
  }
}

// Null: without one. The directory of nobody's choice may be missing: /var/cache is not there in
// every container, and is nothing to whoever tries a configuration without being root.
PatternCache* cache_of(ngx_conf_t* cf, MainConf& main) {
  if (main.cache != nullptr || !main.no_cache.empty()) return main.cache.get();
  if (main.cache_directory && main.cache_directory->empty()) return nullptr;
  try {
    main.cache =
        std::make_unique<PatternCache>(main.cache_directory.value_or(std::string(kCacheDirectory)));
  } catch (const core::ConfigError& error) {
    if (main.cache_directory) ngx::fail(cf, main.cache_place, error.what());
    main.no_cache = error.what();
  }
  return main.cache.get();
}

// What the rules say of themselves: where the directive stands that it is about, and the text. An
// exclusion is a line of its own in a text that is called like the directive, as rule files are
// called by their paths.
std::pair<const ngx::Place&, std::string> placed(const LocationConf& conf, std::string_view text) {
  constexpr std::string_view kOfExclusion = "guard_inspect_exclude:";
  if (!text.starts_with(kOfExclusion)) {
    return {conf.files ? conf.places.files : conf.places.last, std::string(text)};
  }
  text.remove_prefix(kOfExclusion.size());
  std::size_t line = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(": ")) text.remove_prefix(2);
  return {conf.places.excludes.at(line - 1), std::string(text)};
}

std::shared_ptr<const Program> program_of(ngx_conf_t* cf, const Source& source,
                                          const LocationConf& conf) {
  auto& main = *static_cast<MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  auto& program = main.programs[source];
  if (program != nullptr) return program;
  RuleSet rules = load_rules(source.files, source.excludes);
  for (const std::string& note : rules.notes) {
    if (!main.notes.insert(note).second) continue;
    const auto& [place, text] = placed(conf, note);
    ngx::notice(cf, place, text);
  }
  for (const std::string& warning : rules.warnings) {
    const auto& [place, text] = placed(conf, warning);
    ngx::warn(cf, place, text);
  }
  ProgramOptions options{source.paranoia, source.threshold, source.libinjection};
  options.response = source.response;
  options.response_threshold = source.response_threshold;
  options.cache = cache_of(cf, main);
  program = std::make_shared<const Program>(std::move(rules), options);
  if (main.cache != nullptr) {
    for (const std::string& warning : main.cache->take_warnings()) {
      ngx::warn(cf, main.cache_directory ? main.cache_place : conf.places.last, warning);
    }
  }
  count_hits(cf, *program);
  return program;
}

void merge_location(ngx_conf_t* cf, LocationConf& parent, LocationConf& child) {
  const bool same = !child.inspect && !child.files && !child.paranoia && !child.threshold &&
                    !child.budget && !child.libinjection && !child.excludes && !child.response;
  const auto inherit = [](auto& own, const auto& outer) {
    if (!own) own = outer;
  };
  const bool asked = child.inspect.has_value();
  if (same) child.places.last = parent.places.last;
  if (!child.files) child.places.files = parent.places.files;
  if (!child.excludes) child.places.excludes = parent.places.excludes;
  inherit(child.inspect, parent.inspect);
  inherit(child.files, parent.files);
  inherit(child.paranoia, parent.paranoia);
  inherit(child.threshold, parent.threshold);
  inherit(child.budget, parent.budget);
  inherit(child.libinjection, parent.libinjection);
  inherit(child.excludes, parent.excludes);
  inherit(child.response, parent.response);
  const bool left =
      (child.inspect && !child.inspect->on) || (child.response && !child.response->on);
  if (left) core::leave_answers(cf, core::Feature::inspect);
  if (!child.inspect || !child.inspect->on) return;
  // Nothing of what Guard answers itself reaches an application.
  if (!asked && core::answers_here(cf)) return;
  if (same && parent.policy != nullptr) {
    child.policy = parent.policy;
  } else {
    const ResponsePolicy response = child.response.value_or(ResponsePolicy{});
    const Source source{child.files.value_or(std::vector<std::string>{}),
                        child.paranoia.value_or(1),
                        child.threshold.value_or(0),
                        child.libinjection.value_or(true),
                        response.on,
                        response.threshold,
                        child.excludes.value_or("")};
    std::shared_ptr<const Program> program;
    try {
      program = program_of(cf, source, child);
    } catch (const core::ConfigError& error) {
      const auto& [place, text] = placed(child, error.what());
      ngx::fail(cf, place, text);
    }
    child.policy = std::make_shared<const Policy>(
        Policy{std::move(program), child.budget.value_or(Budget{}), child.inspect->trust_schema,
               child.inspect->excerpt, response});
  }
  try {
    use_inspection(cf, *child.policy);
  } catch (const core::ConfigError& error) {
    ngx::fail(cf, child.places.last, error.what());
  }
}

// Whoever has written rules down believes that they are asked.
void postconfigure(ngx_conf_t* cf) {
  const auto& main = *static_cast<const MainConf*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_guard_inspect_module));
  if (main.refined.empty() || !main.programs.empty()) return;
  ngx::warn(cf, main.refined_at,
            "\"" + std::string(main.refined) + "\" has no effect: there is no \"" +
                std::string(kSwitch) + " on\"");
}

void set_cache(ngx_conf_t* cf, core::Words& words, MainConf& conf) {
  conf.cache_place = ngx::place_of(cf);
  set_once(words, conf.cache_directory,
           words.is_off() ? std::string{} : std::string(ngx::path_near(cf, words[0])));
}

// Says what was compiled: seconds of a start or a reload, which should be few.
ngx_int_t tell_compiled(ngx_cycle_t* cycle) noexcept {
  auto* conf = static_cast<MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_inspect_module));
  if (conf == nullptr || conf->programs.empty()) return NGX_OK;
  std::array<std::size_t, 3> sets{};
  for (const auto& [source, program] : conf->programs) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      sets[i] += program->sets_from(static_cast<PatternSet::Origin>(i));
    }
  }
  std::string_view from = "no cache";
  if (conf->cache != nullptr) from = conf->cache->directory();
  const std::string_view between = conf->no_cache.empty() ? "" : ": ";
  ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                "guard_inspect: %uz sets of patterns compiled, %uz from %*s, %uz in memory%*s%*s",
                sets[2], sets[1], from.size(), from.data(), sets[0], between.size(), between.data(),
                conf->no_cache.size(), conf->no_cache.data());
  conf->cache.reset();
  return NGX_OK;
}

constexpr ngx_uint_t kAnywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    ngx::command(ngx_string("guard_inspect"), kAnywhere | NGX_CONF_TAKE12, NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::inspect, parse_switch>>),
    ngx::command(ngx_string("guard_inspect_rules"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_rules>),
    ngx::command(ngx_string("guard_inspect_paranoia"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::paranoia, parse_paranoia>>),
    ngx::command(ngx_string("guard_inspect_threshold"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::threshold, parse_threshold>>),
    ngx::command(ngx_string("guard_inspect_budget"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::budget, parse_budget>>),
    ngx::command(ngx_string("guard_inspect_exclude"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET, ngx::directive<set_exclude>),
    ngx::command(ngx_string("guard_inspect_response"), kAnywhere | NGX_CONF_1MORE,
                 NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::response, parse_response>>),
    ngx::command(ngx_string("guard_inspect_libinjection"), kAnywhere | NGX_CONF_TAKE1,
                 NGX_HTTP_LOC_CONF_OFFSET,
                 ngx::directive<set_parsed<&LocationConf::libinjection, parse_libinjection>>),
    ngx::command(ngx_string("guard_inspect_cache"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1,
                 NGX_HTTP_MAIN_CONF_OFFSET, ngx::directive<set_cache>),
    ngx_null_command,
};

ngx_http_module_t context = {
    nullptr,
    ngx::configuration<postconfigure>,
    ngx::create_conf<MainConf>,
    nullptr,
    nullptr,
    nullptr,
    ngx::create_conf<LocationConf>,
    ngx::merge_conf<LocationConf, merge_location>,
};

}  // namespace

const Policy* policy_of(const ngx_http_request_t* r) noexcept {
  return static_cast<const LocationConf*>(
             ngx_http_get_module_loc_conf(r, ngx_http_guard_inspect_module))
      ->policy.get();
}

std::vector<const Program*> programs_of(const ngx_cycle_t* cycle) {
  std::vector<const Program*> programs;
  const auto* conf = static_cast<const MainConf*>(
      ngx_http_cycle_get_module_main_conf(cycle, ngx_http_guard_inspect_module));
  if (conf == nullptr) return programs;
  for (const auto& [source, program] : conf->programs) programs.push_back(program.get());
  return programs;
}

void count_score(const ngx_http_request_t* r, std::int64_t score) noexcept {
  const MainConf& main = main_of(r);
  if (!main.score_block->counts()) return;
  main.scores.record(main.score_block->words(),
                     static_cast<std::uint64_t>(std::max<std::int64_t>(score, 0)));
}

// Of a rule that found something in several places, and of several links of a chain, one hit.
void count_rules(const ngx_http_request_t* r, const std::vector<Match>& matches) noexcept {
  const MainConf& main = main_of(r);
  if (!main.score_block->counts()) return;
  std::uint32_t last = 0;
  for (const Match& match : matches) {
    const auto found = main.hits.find(match.rule->id);
    if (match.rule->id != last && found != main.hits.end()) found->second->add();
    last = match.rule->id;
  }
}

}  // namespace guard::inspect

constinit ngx_module_t ngx_http_guard_inspect_module =
    guard::ngx::http_module(&guard::inspect::context, guard::inspect::commands,
                            {nullptr, nullptr, guard::inspect::tell_compiled});
