// One HTTP/1.x request as text, for trying rules at the desk: what is no request is read as far as
// it goes, since attacks are none either.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inspect/transaction.h"

namespace guard::inspect {

struct RawRequest {
  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::vector<HeaderField> headers;
  std::string body;  // without a chunked coding, and no longer than Content-Length says
};

// Views into text. False: there is no request line.
bool parse_raw_request(std::string_view text, RawRequest& request);

}  // namespace guard::inspect
