// Answers for scripts/differential. Standard input has a line for each form, a Content-Type and a
// body, both in hexadecimal with a space between them; standard output one for each of those:
// "fault NAME", or its parts, each as hexadecimal "name,filename,content;" with "-" for no
// filename.

#include <iostream>
#include <string>

#include "core/hex.h"
#include "core/multipart.h"

namespace {

using namespace guard;

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string digits(2 * bytes.size(), '0');
  core::write_hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()},
                  digits.data());
  return digits;
}

struct Parts final : core::MultipartSink {
  bool begin(const core::MultipartPart& part) noexcept override {
    said += to_hex(part.name) + ',' + (part.is_file() ? to_hex(*part.filename) : "-") + ',';
    return true;
  }
  bool data(std::string_view bytes) noexcept override {
    said += to_hex(bytes);
    return true;
  }
  bool end() noexcept override {
    said += ';';
    return true;
  }
  std::string said;
};

std::string answer(const std::string& content_type, const std::string& body) {
  const core::MultipartType type = core::multipart_type(content_type);
  if (!type.multipart) return "fault none";
  if (type.fault != core::MultipartFault::none) {
    return "fault " + std::string(name_of(type.fault));
  }
  Parts parts;
  core::MultipartParser parser(type.boundary, 100);
  if (parser.feed(body, parts) && parser.finish()) return parts.said;
  return "fault " + std::string(name_of(parser.fault()));
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t space = line.find(' ');
    std::cout << answer(from_hex(line.substr(0, space)), from_hex(line.substr(space + 1)))
              << std::endl;
  }
  return 0;
}
