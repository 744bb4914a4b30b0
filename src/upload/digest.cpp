#include "upload/digest.h"

#include <openssl/evp.h>

#include "core/hex.h"

namespace guard::upload {

Digest::~Digest() {
  EVP_MD_CTX_free(context_);
}

void Digest::begin() noexcept {
  if (context_ == nullptr) context_ = EVP_MD_CTX_new();
  good_ = context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1;
}

void Digest::add(std::string_view bytes) noexcept {
  good_ = good_ && EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1;
}

bool Digest::finish(Hex& hex) noexcept {
  std::array<unsigned char, 32> bytes;
  unsigned size = 0;
  good_ = good_ && EVP_DigestFinal_ex(context_, bytes.data(), &size) == 1 && size == bytes.size();
  if (good_) core::write_hex(bytes, hex.data());
  const bool good = good_;
  good_ = false;
  return good;
}

}  // namespace guard::upload
