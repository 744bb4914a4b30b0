#include "upload/file_facts.h"

namespace guard::upload {

std::string_view name_of(Scan scan) noexcept {
  constexpr std::array<std::string_view, 4> kScanNames = {"none", "clean", "infected", "failed"};
  return kScanNames[static_cast<std::size_t>(scan)];
}

core::EventFile FileFacts::event() const noexcept {
  core::EventFile file;
  file.name = name.text();
  file.declared_type = declared_type.text();
  file.detected_type = detected_type.text();
  if (whole) file.size = size;
  if (hashed) file.sha256 = {sha256.data(), sha256.size()};
  file.scan = name_of(scan);
  file.signature = signature.text();
  return file;
}

}  // namespace guard::upload
