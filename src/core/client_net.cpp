#include "core/client_net.h"

#include <algorithm>
#include <charconv>

namespace guard::core {

namespace {

class Text {
 public:
  void append(std::string_view text) noexcept {
    for (char c : text) net_.bytes[net_.size++] = c;
  }
  void append(unsigned number, int base) noexcept {
    char* const end = net_.bytes.data() + net_.bytes.size();
    const auto result = std::to_chars(net_.bytes.data() + net_.size, end, number, base);
    net_.size = static_cast<std::uint8_t>(result.ptr - net_.bytes.data());
  }
  const ClientNet& net() const noexcept { return net_; }

 private:
  ClientNet net_;
};

}  // namespace

AddressBytes unmapped(AddressBytes address) noexcept {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.size() != 16) return address;
  return std::ranges::equal(address.first(12), kMapped) ? address.last(4) : address;
}

ClientNet client_net(AddressBytes address) noexcept {
  address = unmapped(address);
  Text text;
  if (address.size() == 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) text.append(".");
      text.append(address[i], 10);
    }
  } else if (address.size() == 16) {
    // The last four groups are zero, so "::" stands for them and for the zeros before them: no run
    // of zeros among the first four can be longer.
    std::array<unsigned, 4> groups{};
    for (std::size_t i = 0; i < 4; ++i) {
      groups[i] = static_cast<unsigned>(address[2 * i]) << 8U | address[2 * i + 1];
    }
    std::size_t used = groups.size();
    while (used > 0 && groups[used - 1] == 0) --used;
    for (std::size_t i = 0; i < used; ++i) {
      if (i > 0) text.append(":");
      text.append(groups[i], 16);
    }
    text.append("::/64");
  } else {
    text.append("unix");
  }
  return text.net();
}

}  // namespace guard::core
