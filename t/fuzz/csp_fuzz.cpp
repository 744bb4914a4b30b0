// Policies: whatever the bytes, what is read is written and read the same again, adding a source
// makes it a source, and a directive of the configuration becomes a field of one line or a
// ConfigError.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "headers/csp_check.h"
#include "headers/csp_policy.h"
#include "headers/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = guard::core;
  namespace headers = guard::headers;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  headers::CspPolicy policy = headers::parse_csp(text);
  const headers::CspPolicy again = headers::parse_csp(policy.text());
  if (again.directives != policy.directives || !again.repeated.empty()) std::abort();
  (void)headers::check_csp(policy, headers::CspDisposition::enforce);
  (void)headers::check_csp(policy, headers::CspDisposition::report);
  if (headers::add_sources(policy, "img-src", {"a.example"})) {
    if (!headers::parse_csp(policy.text()).find("img-src")->values.back().ends_with("a.example") &&
        policy.effective("img-src")->values.empty()) {
      std::abort();
    }
  }

  try {
    headers::CspChoice choice;
    core::Words words({"guard_csp", text, "report=/r"});
    headers::parse_csp_directive(words, choice);
    headers::parse_csp_add(core::Words({"guard_csp_add", "default-src", text}), choice);
    for (const auto& field : headers::make_csp(choice, "default-src 'self'").policies) {
      if (!headers::is_field_value(field.value)) std::abort();
      // One policy, and no variable but the nonce.
      if (field.value.find(',') != std::string::npos) std::abort();
      for (std::size_t at = 0; (at = field.value.find('$', at)) != std::string::npos; ++at) {
        if (field.value.compare(at, headers::kNonceVariable.size(), headers::kNonceVariable) != 0) {
          std::abort();
        }
      }
    }
  } catch (const core::ConfigError&) {
    return 0;
  }
  return 0;
}
