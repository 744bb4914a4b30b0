#include "core/cidr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "core/words.h"

namespace guard::core {

namespace {

using Bytes = std::array<unsigned char, 16>;

std::uint64_t big_endian(const unsigned char* bytes) noexcept {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word = word << 8U | bytes[i];
  return word;
}

// In mapped form if it is IPv4.
Bytes mapped(AddressBytes address) noexcept {
  Bytes bytes{};
  if (address.size() == 16) {
    std::ranges::copy(address, bytes.begin());
  } else {
    bytes[10] = bytes[11] = 0xff;
    std::ranges::copy(address, bytes.begin() + 12);
  }
  return bytes;
}

constexpr std::uint64_t leading_ones(unsigned bits) noexcept {
  if (bits == 0) return 0;
  return bits >= 64 ? ~std::uint64_t{0} : ~(~std::uint64_t{0} >> bits);
}

struct Parsed {
  Bytes bytes{};      // mapped if IPv4
  unsigned bits = 0;  // of the 128
  bool ipv4 = false;
};

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

std::optional<Parsed> parse(std::string_view word) {
  const std::size_t slash = word.find('/');
  const std::string address(word.substr(0, slash));
  // inet_pton would stop at a NUL.
  if (address.find('\0') != std::string::npos) return std::nullopt;

  Parsed parsed;
  std::array<unsigned char, 4> four{};
  unsigned width = 128;
  if (inet_pton(AF_INET, address.c_str(), four.data()) == 1) {
    parsed.ipv4 = true;
    parsed.bytes = mapped(four);
    width = 32;
  } else if (inet_pton(AF_INET6, address.c_str(), parsed.bytes.data()) != 1) {
    return std::nullopt;
  }
  parsed.bits = 128;
  if (slash != std::string_view::npos) {
    const auto bits = prefix_length(word.substr(slash + 1), width);
    if (!bits) return std::nullopt;
    parsed.bits = 128 - width + *bits;
  }
  return parsed;
}

std::string network_text(const Parsed& network, std::string_view word) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = network.ipv4 ? AF_INET : AF_INET6;
  inet_ntop(family, network.bytes.data() + (network.ipv4 ? 12 : 0), text.data(), text.size());
  return std::string(text.data()).append(word.substr(word.find('/')));
}

}  // namespace

void CidrList::add(std::string_view word) {
  if (word == "unix:") {
    unix_ = true;
    return;
  }
  auto parsed = parse(word);
  if (!parsed) {
    fail("invalid network \"", word,
         "\", an address or a network like \"192.0.2.0/24\" is expected");
  }
  const std::array<std::uint64_t, 2> mask = {
      leading_ones(parsed->bits), leading_ones(parsed->bits < 64 ? 0 : parsed->bits - 64)};
  bool host_bits = false;
  for (std::size_t i = 0; i < parsed->bytes.size(); ++i) {
    const auto kept = static_cast<unsigned char>(mask[i / 8] >> (56 - 8 * (i % 8)));
    host_bits = host_bits || (parsed->bytes[i] & ~kept) != 0;
    parsed->bytes[i] &= kept;
  }
  if (host_bits) {
    fail("invalid network \"", word, "\", it has bits behind its mask, did you mean \"",
         network_text(*parsed, word), "\"?");
  }
  networks_.push_back(
      {{big_endian(parsed->bytes.data()), big_endian(parsed->bytes.data() + 8)}, mask});
}

bool CidrList::contains(AddressBytes address) const noexcept {
  if (address.size() != 4 && address.size() != 16) return address.empty() && unix_;
  const Bytes bytes = mapped(address);
  const std::uint64_t high = big_endian(bytes.data());
  const std::uint64_t low = big_endian(bytes.data() + 8);
  return std::ranges::any_of(networks_, [high, low](const Network& network) {
    return (high & network.mask[0]) == network.prefix[0] &&
           (low & network.mask[1]) == network.prefix[1];
  });
}

}  // namespace guard::core
