// The Accept field: any bytes, and adding a plain wish for HTML at the front never takes it away.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/accept.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const bool html = guard::core::prefers_html(text);
  if (size + 10 < guard::core::kAcceptMax && html &&
      !guard::core::prefers_html("text/html," + text)) {
    std::abort();
  }
  // What says nothing of HTML cannot ask for it.
  if (html && text.find('/') == std::string::npos) std::abort();
  return 0;
}
