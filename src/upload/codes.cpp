#include "upload/codes.h"

#include <array>

namespace guard::upload {

namespace {

constexpr std::array kCodes = std::to_array<Code>({
    {200, "", ""},
    {413, "upload.size", "Upload too large"},
    {413, "upload.count", "Too many files or fields"},
    {415, "upload.multipart", "Malformed multipart form"},
    {422, "upload.name", "Refused file name"},
    {415, "upload.type", "Refused file type"},
    {422, "upload.malware", "Malware found"},
    {503, "upload.scan", "File not scanned"},
});

}  // namespace

const Code& code_of(Fault fault) noexcept {
  return kCodes[static_cast<std::size_t>(fault)];
}

}  // namespace guard::upload
