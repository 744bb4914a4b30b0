#include "core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace guard::core {

namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

class Text {
 public:
  explicit Text(char* out) noexcept : begin_(out), at_(out) {}
  void append(std::string_view text) noexcept { at_ = std::ranges::copy(text, at_).out; }
  void append(unsigned number, int base) noexcept {
    at_ = std::to_chars(at_, begin_ + kClientNetMax, number, base).ptr;
  }
  std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

}  // namespace

Address Address::from_v4(const std::uint8_t* bytes) noexcept {
  Address address;
  std::copy_n(bytes, 4, std::ranges::copy(kMapped, address.bytes_.begin()).out);
  return address;
}

Address Address::from_v6(const std::uint8_t* bytes) noexcept {
  Address address;
  std::copy_n(bytes, address.bytes_.size(), address.bytes_.begin());
  return address;
}

bool Address::is_v4() const noexcept {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

bool Address::is_loopback() const noexcept {
  if (is_v4()) return bytes_[12] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::optional<Address> parse_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  // inet_pton would stop at a NUL.
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, copy.data(), bytes.data()) == 1) return Address::from_v4(bytes.data());
  if (inet_pton(AF_INET6, copy.data(), bytes.data()) == 1) return Address::from_v6(bytes.data());
  return std::nullopt;
}

std::size_t write_client_net(const Address& address, char* out) noexcept {
  const auto& bytes = address.bytes();
  Text text(out);
  if (address.is_v4()) {
    for (std::size_t i = 12; i < 16; ++i) {
      if (i > 12) text.append(".");
      text.append(bytes[i], 10);
    }
    return text.size();
  }
  // The last four groups are zero, so "::" stands for them and for the zeros before them: no run of
  // zeros among the first four can be longer.
  std::array<unsigned, 4> groups{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i] = static_cast<unsigned>(bytes[2 * i]) << 8U | bytes[2 * i + 1];
  }
  std::size_t used = groups.size();
  while (used > 0 && groups[used - 1] == 0) --used;
  for (std::size_t i = 0; i < used; ++i) {
    if (i > 0) text.append(":");
    text.append(groups[i], 16);
  }
  text.append("::/64");
  return text.size();
}

}  // namespace guard::core
