#include "redis/slots.h"

#include <algorithm>
#include <charconv>

#include "redis/url.h"

namespace guard::redis {

namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021 : 0);
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr std::array<std::uint16_t, 256> kTable = make_table();

// What nodes say of those whose name they do not know.
constexpr std::string_view kUnknown = "?";

template <class Number>
std::optional<Number> number_of(std::string_view text, Number least, Number most) noexcept {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (number < least || number > most) return std::nullopt;
  return number;
}

// The text behind a word in a list of names and values.
std::string_view value_of(const Reply& list, std::string_view name) noexcept {
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    if (list[i].text() == name) return list[i + 1].text();
  }
  return {};
}

bool in_range(const Reply& number, std::int64_t least, std::int64_t most) noexcept {
  return number.is_integer() && number.integer() >= least && number.integer() <= most;
}

}  // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  for (char c : bytes) {
    crc = (crc << 8 & 0xffff) ^ kTable[crc >> 8 ^ static_cast<unsigned char>(c)];
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t slot_of(std::string_view key) noexcept {
  const std::size_t begin = key.find('{');
  if (begin != std::string_view::npos) {
    const std::size_t end = key.find('}', begin);
    if (end != std::string_view::npos && end > begin + 1) {
      key = key.substr(begin + 1, end - begin - 1);
    }
  }
  return crc16(key) % kSlots;
}

std::string_view SlotMap::read(const Reply& reply, std::string_view asked) {
  if (!reply.is_array()) return "the node does not tell who has which slots";
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const std::string_view problem = read_range(reply[i], asked);
    if (!problem.empty()) return problem;
  }
  return nodes_.empty() ? "the node knows of nobody who has slots" : std::string_view{};
}

std::string_view SlotMap::read_range(const Reply& range, std::string_view asked) {
  constexpr std::string_view kNonsense = "what the node tells of slots makes no sense";
  const Reply master = range[2];
  constexpr auto kLast = static_cast<std::int64_t>(kSlots) - 1;
  if (!in_range(range[0], 0, kLast) || !in_range(range[1], range[0].integer(), kLast) ||
      !in_range(master[1], 1, 65535)) {
    return kNonsense;
  }
  const Reply host = master[0];
  const std::string_view address = value_of(master[3], "ip");
  ClusterNode node;
  node.port = static_cast<std::uint16_t>(master[1].integer());
  if (host.is_null() || (host.is_text() && host.text().empty())) {
    node.host = asked;
  } else if (host.is_text() && host.text() == kUnknown) {
    if (!is_host(address)) return {};  // who that is, only time can tell
    node.host = address;
  } else if (host.is_text() && is_host(host.text())) {
    node.host = host.text();
    if (is_host(address)) node.address = address;
  } else {
    return kNonsense;
  }
  const std::uint16_t index = index_of(std::move(node));
  if (index == kNobody) return "the cluster has more than 256 masters";
  std::fill(owners_.begin() + range[0].integer(), owners_.begin() + range[1].integer() + 1, index);
  return {};
}

std::uint16_t SlotMap::index_of(ClusterNode&& node) {
  static_assert(kMostNodes == 256);  // as the message says
  const auto found = std::ranges::find_if(nodes_, [&](const ClusterNode& known) {
    return known.port == node.port && known.host == node.host;
  });
  if (found != nodes_.end()) return static_cast<std::uint16_t>(found - nodes_.begin());
  if (nodes_.size() == kMostNodes) return kNobody;
  nodes_.push_back(std::move(node));
  return static_cast<std::uint16_t>(nodes_.size() - 1);
}

std::optional<Redirection> read_redirection(std::string_view error) noexcept {
  Redirection found;
  found.ask = error.starts_with("ASK ");
  if (!found.ask && !error.starts_with("MOVED ")) return std::nullopt;
  error.remove_prefix(error.find(' ') + 1);
  const std::size_t space = error.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto slot = number_of<std::uint16_t>(error.substr(0, space), 0, kSlots - 1);
  error.remove_prefix(space + 1);
  // The last one: an IPv6 address has others.
  const std::size_t colon = error.rfind(':');
  if (!slot || colon == std::string_view::npos) return std::nullopt;
  const auto port = number_of<std::uint16_t>(error.substr(colon + 1), 1, 65535);
  found.host = error.substr(0, colon);
  if (!port || (!found.host.empty() && !is_host(found.host))) return std::nullopt;
  found.slot = *slot;
  found.port = *port;
  return found;
}

bool is_redirection(std::string_view error) noexcept {
  return error.starts_with("MOVED ") || error.starts_with("ASK ") || error.starts_with("TRYAGAIN");
}

}  // namespace guard::redis
