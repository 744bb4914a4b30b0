// What the user says of inspection, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "inspect/inspection.h"

namespace guard::inspect {

struct Switch {
  bool on = false;
  bool trust_schema = true;  // what a schema has confined is not searched
  bool excerpt = false;      // events show what was found
};

// Where compiled patterns are kept, if nothing else is said.
inline constexpr std::string_view kCacheDirectory = "/var/cache/nginx-guard";

struct Budget {
  std::uint64_t units = kDefaultBudget;
  bool pass = false;  // what is over it passes, with an event
};

// Rules about answers.
struct ResponsePolicy {
  bool on = false;
  int threshold = 0;     // outbound anomaly score; 0: what the rules say
  std::size_t size = 0;  // bytes of a body that are looked at
  // Media types in lower case; "+json": what ends so.
  std::vector<std::string> types;

  // content_type: as in the field, with parameters.
  bool takes(std::string_view content_type) const noexcept;
};

Switch parse_switch(core::Words& words);
ResponsePolicy parse_response(core::Words& words);
int parse_paranoia(const core::Words& words);   // 1 to 4
int parse_threshold(const core::Words& words);  // 1 to 10000
Budget parse_budget(core::Words& words);
// SecLang that does it: rules removed, or a variable taken from them.
std::string parse_exclude(core::Words& words);

struct Code {
  std::uint16_t status;
  std::string_view code;
  std::string_view title;
};

// category: of Inspection; an unknown one is "generic".
const Code& code_of(std::string_view category) noexcept;
// Of an answer that rules deny.
std::string_view response_title() noexcept;
const Code& code_budget() noexcept;
// The body could not be had, or there was no memory to look at it.
const Code& code_unavailable() noexcept;

}  // namespace guard::inspect
