// What a refused upload answers with: the stable codes, their statuses and titles.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::upload {

enum class Fault : std::uint8_t {
  none,
  size,       // a file, or a field, is larger than it may be
  count,      // more files or fields than there may be
  multipart,  // not a form that all parsers read alike
  name,       // a file's name is against the rules
  type,       // declared type, extension and content do not agree, or are not allowed
  malware,    // the scanner has found something in a file
  scan,       // a file could not be scanned
};

struct Code {
  std::uint16_t status;
  std::string_view code;
  std::string_view title;
};

const Code& code_of(Fault fault) noexcept;

// Why an upload is refused: views of static text, but for `part`, which is the name of the form's
// field and holds client bytes.
struct Verdict {
  Fault fault = Fault::none;
  std::string_view detail;   // a sentence without a full stop and without anything of the client's
  std::string_view keyword;  // the rule: "double_extension", "epilogue", "max_file"
  std::string_view part;     // empty: the upload as a whole
  bool refused() const noexcept { return fault != Fault::none; }
};

}  // namespace guard::upload
