#include "core/client_key.h"

#include <array>
#include <cstring>

#include "core/check.h"
#include "core/policy_words.h"

namespace guard::core {

namespace {

bool is_capture(std::string_view variable) {
  return variable.find_first_not_of("0123456789") == std::string_view::npos;
}

// A client's /24 or /48.
std::uint64_t network_bits(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 8;
  }
#if (NGX_HAVE_INET6)
  if (address->sa_family == AF_INET6) {
    const in6_addr& in6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    std::size_t from = IN6_IS_ADDR_V4MAPPED(&in6) ? 12 : 0;
    std::size_t to = IN6_IS_ADDR_V4MAPPED(&in6) ? 15 : 6;
    std::uint64_t bits = 0;
    for (std::size_t i = from; i < to; ++i) bits = bits << 8 | in6.s6_addr[i];
    return bits;
  }
#endif
  return 0;
}

}  // namespace

void ClientKey::compile(ngx_conf_t* cf, std::string_view owner,
                        std::span<const std::string> variables, Normalization normalization) {
  owner_ = owner;
  for (const std::string& variable : variables) {
    Part part;
    part.account = normalization == Normalization::account && may_name_account(variable);
    part.address = is_address_variable(variable);
    if (variable == kClientNet) {
      part.client_net = true;
    } else if (is_capture(variable)) {
      part.capture = ngx::Value(cf, "$" + variable);
    } else {
      part.index = ngx::variable_index(cf, variable);
      part.body = variable == "request_body";
    }
    parts_.push_back(part);
  }
  need_client_key(cf);
}

std::optional<std::string_view> ClientKey::text_of(const Part& part, Request& request) noexcept {
  if (part.client_net) return request.client_net();
  if (part.capture) return part.capture.evaluate(request.native());
  if (part.body) {
    if (std::optional<std::string_view> body = request.body()) return body;
  }
  // Not one of guard_json_set as it was before the body had been read.
  auto* value =
      ngx_http_get_flushed_variable(request.native(), static_cast<ngx_uint_t>(part.index));
  if (value == nullptr) return std::nullopt;
  return ngx::to_view(*value);
}

std::optional<std::size_t> ClientKey::account_texts(
    Request& request, std::span<std::string_view> out) const noexcept {
  std::size_t count = 0;
  for (const Part& part : parts_) {
    if (part.address) continue;
    std::optional<std::string_view> text = text_of(part, request);
    if (!text) return std::nullopt;
    out[count++] = *text;
  }
  return count;
}

template <HashWidth width>
bool ClientKey::add(const Part& part, std::string_view text, SipHash<width>& sip) noexcept {
  if (!part.account) {
    sip.part(text);
    return !text.empty();
  }
  AccountName name(text);
  sip.part(name.text());
  return !name.text().empty();
}

template <HashWidth width>
void ClientKey::begin(Begun<width>& begun) const noexcept {
  if (begun) return;
  begun.emplace(client_key());
  begun->part(owner_);
  // To a whole word, which makes the rest cheaper.
  begun->update(std::string_view("\0\0\0\0\0\0\0", 7 - (owner_.size() + 7) % 8));
}

template <HashWidth width, class Hash>
bool ClientKey::hash_texts_of(Begun<width>& begun, std::span<const std::string_view> texts,
                              Hash& hash) const noexcept {
  if (texts.size() != parts_.size()) return false;
  begin(begun);
  SipHash<width> sip = *begun;
  bool any = false;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::array<char, kClientNetMax> net;
    std::string_view text = texts[i];
    std::optional<Address> address = parse_address(text);
    if (parts_[i].client_net && address)
      text = {net.data(), write_client_net(*address, net.data())};
    any = add(parts_[i], text, sip) || any;
  }
  hash = sip.finish();
  return any;
}

template <HashWidth width, class Hash>
KeyState ClientKey::hash_of(Begun<width>& begun, Request& request, Hash& hash) noexcept {
  begin(begun);
  SipHash<width> sip = *begun;
  bool empty = !parts_.empty();
  for (const Part& part : parts_) {
    std::optional<std::string_view> text = text_of(part, request);
    if (!text) return KeyState::failed;
    if (add(part, *text, sip)) empty = false;
  }
  if (empty) {
    sip.part("address");
    sip.part(request.client_net());
  }
  hash = sip.finish();
  return empty ? KeyState::empty : KeyState::known;
}

template bool ClientKey::hash_texts_of(Begun<HashWidth::bits64>&, std::span<const std::string_view>,
                                       std::uint64_t&) const noexcept;
template bool ClientKey::hash_texts_of(Begun<HashWidth::bits128>&,
                                       std::span<const std::string_view>, Hash128&) const noexcept;
template KeyState ClientKey::hash_of(Begun<HashWidth::bits64>&, Request&, std::uint64_t&) noexcept;
template KeyState ClientKey::hash_of(Begun<HashWidth::bits128>&, Request&, Hash128&) noexcept;

// Mixed with the secret, so that nobody can look for a network with his fingerprint; not worth a
// SipHash.
std::uint64_t network_of(const Request& request) noexcept {
  std::uint64_t secret = 0;
  std::memcpy(&secret, client_key().data(), sizeof(secret));
  std::uint64_t bits = network_bits(request.native()->connection->sockaddr);
  bits = (bits ^ secret) * 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 32) * 0xbf58476d1ce4e5b9;
  return bits ^ bits >> 29;
}

}  // namespace guard::core
