#include "upload/magic.h"

#include <magic.h>

#include <array>
#include <utility>

namespace guard::upload {

namespace {

constexpr std::array<std::pair<int, std::size_t>, 7> kLimits = {{
    {MAGIC_PARAM_BYTES_MAX, Magic::kHead},
    {MAGIC_PARAM_INDIR_MAX, 15},
    {MAGIC_PARAM_NAME_MAX, 30},
    {MAGIC_PARAM_REGEX_MAX, 4096},
    {MAGIC_PARAM_ELF_PHNUM_MAX, 64},
    {MAGIC_PARAM_ELF_SHNUM_MAX, 64},
    {MAGIC_PARAM_ELF_NOTES_MAX, 16},
}};

}  // namespace

bool Magic::open() noexcept {
  if (cookie_ != nullptr) return true;
  // It must not unpack anything, and what is in an ELF file does not matter.
  cookie_ = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_ELF);
  if (cookie_ == nullptr) {
    error_ = "libmagic cannot be started";
    return false;
  }
  for (const auto& [name, value] : kLimits) {
    if (magic_setparam(cookie_, name, &value) != 0) {
      error_ = "libmagic does not take its limits";
      close();
      return false;
    }
  }
  if (magic_load(cookie_, nullptr) != 0) {
    error_ = "libmagic cannot read its database";
    close();
    return false;
  }
  return true;
}

void Magic::close() noexcept {
  if (cookie_ != nullptr) magic_close(cookie_);
  cookie_ = nullptr;
}

std::string_view Magic::type_of(std::string_view head) noexcept {
  if (cookie_ == nullptr) return {};
  const char* type = magic_buffer(cookie_, head.data(), head.size());
  return type == nullptr ? std::string_view{} : std::string_view(type);
}

}  // namespace guard::upload
