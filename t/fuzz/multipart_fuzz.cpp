// Any bytes as a form: cut into pieces or whole, the parser says the same; what it takes, written
// anew in the plainest way, it takes again with the same parts.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/multipart.h"

namespace {

using namespace guard;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Part {
  std::string name, filename, type, content;
  bool file = false;
  bool operator==(const Part&) const = default;
};

struct Parts final : core::MultipartSink {
  bool begin(const core::MultipartPart& part) noexcept override {
    require(!part.name.empty());
    parts.push_back({std::string(part.name), std::string(part.filename.value_or("")),
                     std::string(part.type), "", part.is_file()});
    return true;
  }
  bool data(std::string_view bytes) noexcept override {
    require(!bytes.empty());
    parts.back().content += bytes;
    return true;
  }
  bool end() noexcept override {
    ++ended;
    return true;
  }

  std::vector<Part> parts;
  std::size_t ended = 0;
};

struct Outcome {
  core::MultipartFault fault = core::MultipartFault::none;
  std::uint64_t offset = 0;
  std::size_t begun = 0;
  bool operator==(const Outcome&) const = default;
};

constexpr std::string_view kBoundary = "-b-";
constexpr std::uint32_t kParts = 8;

Outcome parse(std::string_view body, std::size_t piece, Parts& parts) {
  core::MultipartParser parser(kBoundary, kParts);
  bool good = true;
  while (good && !body.empty()) {
    const std::size_t size = std::min(piece, body.size());
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), body.data(), size);
    good = parser.feed({copy.get(), size}, parts);
    body.remove_prefix(size);
  }
  if (good) good = parser.finish();
  require(good == (parser.fault() == core::MultipartFault::none));
  require(parts.parts.size() <= kParts);
  return {parser.fault(), parser.offset(), parts.parts.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0];
  std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((data[0] & 1) != 0) {
    // Closer to what a form looks like than chance would be.
    std::string form;
    for (const char c : body) form += c == '@' ? std::string("\r\n---b-") : std::string(1, c);
    body = "---b-\r\nContent-Disposition: form-data; name=\"a\"" + form + "---b---\r\n";
  }
  Parts whole;
  Parts cut;
  const Outcome outcome = parse(body, body.size() + 1, whole);
  require(outcome == parse(body, piece, cut));
  core::multipart_type(body);
  if (outcome.fault != core::MultipartFault::none) return 0;
  require(whole.parts == cut.parts && whole.ended == whole.parts.size());

  std::string again;
  for (const Part& part : whole.parts) {
    again += "---b-\r\nContent-Disposition: form-data; name=\"" + part.name + "\"";
    if (part.file) again += "; filename=\"" + part.filename + "\"";
    if (!part.type.empty()) again += "\r\nContent-Type: " + part.type;
    again += "\r\n\r\n" + part.content + "\r\n";
  }
  again += "---b---";
  Parts second;
  const Outcome repeated = parse(again, again.size(), second);
  // The plain way may need more room for a header than the limit.
  if (repeated.fault == core::MultipartFault::header_size) return 0;
  require(repeated.fault == core::MultipartFault::none && second.parts == whole.parts);
  return 0;
}
