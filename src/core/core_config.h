// What core keeps per configuration and per location. Only core's own files use this.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/census.h"
#include "core/cidr.h"
#include "core/clock.h"
#include "core/event_ring.h"
#include "core/leased_job.h"
#include "core/metric.h"
#include "core/node.h"
#include "core/refusal_counters.h"
#include "core/remote_store.h"
#include "core/server_names.h"
#include "ngx/compat.h"
#include "ngx/config.h"

extern "C" {
extern ngx_module_t ngx_http_guard_module;
extern ngx_module_t ngx_http_guard_filter_module;
}

namespace guard::core {

// A word of a directive whose variables tell requests apart.
struct KeyText {
  ngx::Place place;
  std::string owner;  // "rate policy "api""
  std::string word;   // "key"
  std::string text;
};

// A variable that a check of the inner gate makes, other than of the body.
struct InnerVariable {
  std::string_view name;
  Feature feature;
};

struct LocationConf;

// A directive that applies a policy.
struct PolicyUse {
  struct Holding {
    const LocationConf* location;
    bool reachable;  // by more than internal redirects
    off_t max_body;  // client_max_body_size, in bytes; 0: no limit
  };

  ngx::Place place;
  std::string owner;
  std::vector<std::string> variables;
  bool of_json = false;         // it says something of JSON bodies, and its owner is the directive
  std::uint64_t body_size = 0;  // bytes that it lets a body have; 0: it says nothing of that
  std::string size_word;        // which says so: "size=8m"
  std::vector<Holding> locations;
};

// A location that answers by itself (answer_here).
struct LocalAnswer {
  std::string_view directive;
  ngx_http_handler_pt handler;
  const ngx_http_core_loc_conf_t* location;
  ngx::Place place;
};

// What a directive defines, and another must apply.
struct PolicyDefinition {
  std::string_view feature;
  std::string_view name;
  ngx::Place place;
  bool applied = false;
};

struct MainConf {
  std::vector<const Check*> checks;        // in the order in which a gate asks
  std::uint32_t chargers = 0;              // bits of the checks that charge
  std::uint32_t body_readers = 0;          // bits of the checks that may want the body
  std::vector<const HeaderStage*> stages;  // in the order in which the header filter runs them
  std::uint32_t judges = 0;                // bits of the stages for the application's own answer
  std::uint32_t everywhere = 0;            // those of them that are active in every location
  bool watching = false;                   // some location does
  bool judging_answers = false;            // some location has an AnswerCheck
  bool noting_error_pages = false;         // install_error_page_notes() was called
  std::vector<Listener> listeners;
  std::vector<Listener> refusal_listeners;  // those of them that hear silent refusals, too
  UserSource user_source = nullptr;
  std::vector<std::string_view> body_variables;
  std::vector<InnerVariable> inner_variables;
  std::vector<NamedKind> answer_events;
  std::vector<KeyText> key_texts;
  std::vector<std::unique_ptr<PolicyUse>> policy_uses;
  // Of all locations that take variables from the body.
  std::vector<const LocationConf*> body_takers;
  std::vector<LocalAnswer> local_answers;
  std::vector<PolicyDefinition> policies;

  std::optional<std::array<std::uint8_t, 16>> key;  // from guard_key_secret
  std::string_view break_glass_file;                // NUL-terminated; empty: none
  std::vector<std::unique_ptr<RemoteStore>> stores;
  std::vector<std::unique_ptr<LeasedJob>> jobs;
  Node* node = nullptr;                        // made by the first who needs it
  std::uint64_t number = wall_microseconds();  // tells configurations apart
  MetricRegistry metrics;
  bool metrics_wanted = false;  // somebody reads them
  std::vector<std::unique_ptr<Census>> censuses;
  std::unique_ptr<EventRing> recent_events;  // null: nobody shows them
  RefusalCounters refusals;
  ngx_int_t request_id_index = NGX_ERROR;
  bool request_id_used = false;  // by the configuration
  ngx_int_t realip_remote_addr_index = NGX_ERROR;
};

struct ServerConf {
  ServerNames names;
};

enum class ProblemStyle : std::uint8_t { automatic, json, off };

struct Exemption {
  std::uint32_t features;  // bit per Feature
  CidrList networks;
  ngx::Value value;  // or a value that exempts when it is neither empty nor "0"
};

struct LocationConf {
  // Bit i is for MainConf::checks[i] and MainConf::stages[i].
  std::uint32_t front = 0;
  std::uint32_t inner = 0;
  std::uint32_t stages = 0;
  bool watching = false;  // the application's own answer is to be judged
  const AnswerCheck* answer = nullptr;
  std::uint32_t answers_left = 0;  // bit per Feature: its location says that it judges none

  std::optional<std::array<Mode, kFeatureCount>> modes;
  std::uint32_t exempt = 0;  // features, whoever asks
  std::vector<Exemption> exemptions;
  bool exemptions_set = false;
  std::optional<ProblemStyle> problem;
  std::optional<bool> error_page_allowed;
  std::optional<bool> path_strict;
  std::string_view route;
  bool answers = false;                          // itself: answer_here()
  std::vector<std::string_view> body_variables;  // that it takes from a body, if that is checked
  std::vector<std::string_view> operations;      // what an API description calls its requests
  CidrList trusted_proxies;
  bool trusted_proxies_set = false;
};

inline MainConf* main_conf(ngx_http_request_t* r) noexcept {
  return static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_guard_module));
}

inline LocationConf* location_conf(ngx_http_request_t* r) noexcept {
  return static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_guard_module));
}

// Of another location, by what is r->loc_conf there.
inline const LocationConf* location_in(void** place) noexcept {
  return static_cast<const LocationConf*>(place[ngx_http_guard_module.ctx_index]);
}

Node& node_of(ngx_conf_t* cf);
void adopt_client_key(ngx_cycle_t* cycle) noexcept;

// While a worker starts, what publish() is given is kept until all who listen have started too;
// what is left of it is delivered at the latest when the worker ends.
void hold_events() noexcept;
void release_events() noexcept;

// The configuration of a cycle, or null if it has no http block.
MainConf* main_conf(ngx_cycle_t* cycle) noexcept;

}  // namespace guard::core
