#include "cli/secret_command.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <string>

#include "core/words.h"

namespace guard::cli {

namespace {

constexpr std::size_t kMinBytes = 16;
constexpr std::size_t kMaxBytes = 1024;

std::size_t bytes_wanted(std::span<const std::string_view> words) {
  constexpr std::string_view kOption = "--bytes";
  if (words.empty()) return 32;
  std::string_view value;
  if (words[0] == kOption) {
    if (words.size() < 2) throw UsageError("\"--bytes\" needs a number");
    value = words[1];
    words = words.subspan(2);
  } else if (words[0].starts_with("--bytes=")) {
    value = words[0].substr(kOption.size() + 1);
    words = words.subspan(1);
  }
  if (!words.empty()) {
    throw UsageError("unexpected word \"" + std::string(words[0]) + "\" after \"secret\"");
  }
  try {
    return core::parse_number(kOption, value, kMinBytes, kMaxBytes);
  } catch (const core::ConfigError& error) {
    throw UsageError(error.what());
  }
}

// RFC 4648, section 5, without padding.
std::string base64url(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3 + 1);
  unsigned held = 0;
  unsigned bits = 0;
  for (unsigned char byte : bytes) {
    held = (held << 8U | byte) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6) text.push_back(kDigits[held >> (bits - 6) & 0x3fU]);
  }
  if (bits > 0) text.push_back(kDigits[held << (6 - bits) & 0x3fU]);
  return text;
}

}  // namespace

int run_secret(std::span<const std::string_view> words) {
  std::array<unsigned char, kMaxBytes> bytes{};
  const std::size_t wanted = bytes_wanted(words);
  if (RAND_bytes(bytes.data(), static_cast<int>(wanted)) != 1) {
    throw std::runtime_error("RAND_bytes() failed: the system gives no random bytes");
  }
  std::string text = base64url(std::span(bytes).first(wanted));
  text.push_back('\n');
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  OPENSSL_cleanse(bytes.data(), bytes.size());
  OPENSSL_cleanse(text.data(), text.size());
  if (!written) throw std::runtime_error("cannot write the secret");
  return kDone;
}

}  // namespace guard::cli
