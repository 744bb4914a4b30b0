#include "core/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

#include "core/words.h"

namespace guard::core {

namespace {

using Halves = std::array<std::uint64_t, 2>;

Halves halves(const Address& address) noexcept {
  Halves words{};
  const std::array<std::uint8_t, 16>& bytes = address.bytes();
  static_assert(sizeof words == sizeof bytes);
  std::memcpy(words.data(), bytes.data(), sizeof words);
  if constexpr (std::endian::native == std::endian::little) {
    for (std::uint64_t& word : words) word = __builtin_bswap64(word);
  }
  return words;
}

constexpr std::uint64_t leading_ones(unsigned bits) noexcept {
  if (bits == 0) return 0;
  return bits >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> bits);
}

std::optional<unsigned> prefix_length(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned bits = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    bits = bits * 10 + static_cast<unsigned>(c - '0');
  }
  if (bits > max) return std::nullopt;
  return bits;
}

[[noreturn]] void fail_network(std::string_view word) {
  fail("invalid network \"", word, "\", an address or a network like \"192.0.2.0/24\" is expected");
}

// The address as the word wrote it, by family, with what is behind the mask cleared.
std::string fixed_text(std::string_view word, const Halves& prefix) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 16; ++i) {
    bytes[i] = static_cast<std::uint8_t>(prefix[i / 8] >> (56 - 8 * (i % 8)));
  }
  const bool dotted = word.find(':') == std::string_view::npos;
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(dotted ? AF_INET : AF_INET6, bytes.data() + (dotted ? 12 : 0), text.data(),
            text.size());
  return text.data();
}

}  // namespace

void CidrList::add(std::string_view word) {
  if (word == "unix:") {
    unix_ = true;
    return;
  }
  const std::size_t slash = word.find('/');
  const auto address = parse_address(word.substr(0, slash));
  if (!address) fail_network(word);
  unsigned bits = 128;
  if (slash != std::string_view::npos) {
    const bool dotted = word.find(':') == std::string_view::npos;
    const auto length = prefix_length(word.substr(slash + 1), dotted ? 32 : 128);
    if (!length) fail_network(word);
    bits = *length + (dotted ? 96 : 0);
  }

  const Halves given = halves(*address);
  const Halves mask = {leading_ones(bits), leading_ones(bits < 64 ? 0 : bits - 64)};
  const Halves prefix = {given[0] & mask[0], given[1] & mask[1]};
  if (prefix != given) {
    fail("invalid network \"", word, "\", it has bits behind its mask, did you mean \"",
         fixed_text(word, prefix), word.substr(slash), "\"?");
  }
  networks_.push_back({prefix, mask});
}

bool CidrList::contains(const Address& address) const noexcept {
  const Halves words = halves(address);
  return std::ranges::any_of(networks_, [&words](const Network& network) {
    return (words[0] & network.mask[0]) == network.prefix[0] &&
           (words[1] & network.mask[1]) == network.prefix[1];
  });
}

}  // namespace guard::core
