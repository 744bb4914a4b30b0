#include "origin/csrf_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

#include "core/ascii.h"
#include "core/hex.h"
#include "core/http_grammar.h"
#include "core/random_bytes.h"

namespace guard::origin {

namespace {

constexpr std::string_view kLabel = "guard csrf token 1";
// Longer ones fit no token: no application makes a session that long, and the message has
// its place on the stack.
constexpr std::size_t kSessionMax = 4096;

using Half = std::array<unsigned char, kTokenBytes>;

bool sign(TokenKey key, std::string_view session, const Half& random, Half& signature) noexcept {
  if (session.size() > kSessionMax) return false;
  std::array<unsigned char, kLabel.size() + kTokenBytes + kSessionMax> message;
  auto* at = message.data();
  at = std::copy(kLabel.begin(), kLabel.end(), at);
  at = std::copy(random.begin(), random.end(), at);
  at = std::copy(session.begin(), session.end(), at);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(),
           static_cast<std::size_t>(at - message.data()), digest.data(), &size) == nullptr) {
    return false;
  }
  std::copy_n(digest.begin(), signature.size(), signature.begin());
  return true;
}

bool read_half(std::string_view text, Half& half) noexcept {
  for (std::size_t i = 0; i < half.size(); ++i) {
    const int high = core::hex_value(text[2 * i]);
    const int low = core::hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    half[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

}  // namespace

bool make_token(TokenKey key, std::string_view session, std::span<char, kTokenSize> out) noexcept {
  Half random;
  Half signature;
  if (!core::random_bytes(random) || !sign(key, session, random, signature)) {
    return false;
  }
  core::write_hex(signature, core::write_hex(random, out.data()));
  return true;
}

bool is_token_of(TokenKey key, std::string_view session, std::string_view token) noexcept {
  Half random;
  Half claimed;
  Half signature;
  return token.size() == kTokenSize && read_half(token.substr(0, kTokenSize / 2), random) &&
         read_half(token.substr(kTokenSize / 2), claimed) &&
         sign(key, session, random, signature) &&
         CRYPTO_memcmp(claimed.data(), signature.data(), signature.size()) == 0;
}

bool same_token(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void find_cookie(std::string_view field, std::string_view name, FoundCookie& found) noexcept {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(';'), field.size());
    const std::string_view pair = core::trim_blanks(field.substr(0, end));
    field.remove_prefix(std::min(end + 1, field.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || core::trim_blanks(pair.substr(0, equals)) != name)
      continue;
    if (found.count++ == 0) found.value = core::trim_blanks(pair.substr(equals + 1));
  }
}

std::optional<std::string_view> set_cookie_value(std::string_view field,
                                                 std::string_view name) noexcept {
  FoundCookie found;
  find_cookie(field.substr(0, field.find(';')), name, found);
  if (found.count == 0) return std::nullopt;
  return found.value;
}

}  // namespace guard::origin
