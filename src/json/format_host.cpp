// Hosts, addresses and mailboxes.
#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "json/formats.h"

namespace guard::json::formats {

namespace {

using core::is_digit;
using core::is_letter;

constexpr std::size_t kMaxHost = 253;  // bytes
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxLocalPart = 64;

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_a_label(std::string_view label) noexcept {
  return label.size() > 4 && (label[0] | 32) == 'x' && (label[1] | 32) == 'n' && label[2] == '-' &&
         label[3] == '-';
}

// Whether IDNA2008 knows it (RFC 5891, section 5), Unicode not mapped before.
bool is_idna(std::string_view label) noexcept {
  // An A-label has no fewer letters.
  std::array<char, 4 * kMaxLabel + 1> text;
  // To libidn2 a NUL is the end.
  if (label.size() >= text.size() || label.find('\0') != std::string_view::npos) return false;
  *std::copy(label.begin(), label.end(), text.begin()) = '\0';
  // Registration has the stricter rules: those of CONTEXTO and of bidirectional labels.
  std::uint8_t* out = nullptr;
  const auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
  const bool a_label = is_a_label(label);
  const int rc = a_label ? idn2_register_u8(nullptr, in, &out, IDN2_NFC_INPUT)
                         : idn2_register_u8(in, nullptr, &out, 0);
  idn2_free(out);
  return rc == IDN2_OK;
}

bool is_label(std::string_view label) noexcept {
  if (label.empty() || label.size() > kMaxLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  if (!std::all_of(label.begin(), label.end(),
                   [](char c) { return is_digit(c) || is_letter(c) || c == '-'; })) {
    return false;
  }
  if (label.size() >= 4 && label[2] == '-' && label[3] == '-')
    return is_a_label(label) && is_idna(label);
  return true;
}

template <class Label>
bool each_label(std::string_view text, std::string_view dot, Label&& good) noexcept {
  for (;;) {
    const std::size_t end = text.find(dot);
    if (!good(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + dot.size());
  }
}

// RFC 3490, section 3.1: four dots are dots.
template <class Label>
bool each_idn_label(std::string_view text, const Label& good) noexcept {
  return each_label(text, ".", [&](std::string_view part) {
    return each_label(part, "\u3002", [&](std::string_view piece) {
      return each_label(piece, "\uff0e",
                        [&](std::string_view half) { return each_label(half, "\uff61", good); });
    });
  });
}

// RFC 5321: Dot-string or Quoted-string; unicode: as RFC 6531 extends both.
bool is_local_part(std::string_view text, bool unicode) noexcept {
  constexpr std::string_view kAtom = "!#$%&'*+-/=?^_`{|}~.";
  if (text.empty() || text.size() > kMaxLocalPart) return false;
  const auto other = [unicode](char c) { return unicode && static_cast<unsigned char>(c) >= 0x80; };
  if (text.front() != '"') {
    return text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [&](char c) {
             return is_digit(c) || is_letter(c) || kAtom.find(c) != std::string_view::npos ||
                    other(c);
           });
  }
  if (text.size() < 2 || text.back() != '"') return false;
  text = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return false;
    if (text[i] == '\\' && ++i == text.size()) return false;
    if ((text[i] < ' ' || text[i] > '~') && !other(text[i])) return false;
  }
  return true;
}

bool is_mailbox(std::string_view text, bool unicode) noexcept {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || !is_local_part(text.substr(0, at), unicode)) return false;
  std::string_view domain = text.substr(at + 1);
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    domain = domain.substr(1, domain.size() - 2);
    return domain.starts_with("IPv6:") ? is_ipv6(domain.substr(5)) : is_ipv4(domain);
  }
  return unicode ? is_idn_hostname(domain) : is_hostname(domain);
}

template <std::size_t size>
bool is_address(int family, std::string_view text) noexcept {
  std::array<char, size> copy;
  std::array<unsigned char, 16> bytes;
  if (text.size() >= size || text.find('\0') != std::string_view::npos) return false;
  *std::copy(text.begin(), text.end(), copy.begin()) = '\0';
  return inet_pton(family, copy.data(), bytes.data()) == 1;
}

}  // namespace

bool is_ipv4(std::string_view text) noexcept {
  return is_address<INET_ADDRSTRLEN>(AF_INET, text);
}

bool is_ipv6(std::string_view text) noexcept {
  return is_address<INET6_ADDRSTRLEN>(AF_INET6, text);
}

bool is_hostname(std::string_view text) noexcept {
  return text.size() <= kMaxHost && each_label(text, ".", is_label);
}

bool is_idn_hostname(std::string_view text) noexcept {
  if (is_ascii(text)) return is_hostname(text);
  if (text.size() > 4 * kMaxHost) return false;
  return each_idn_label(text, [](std::string_view label) {
    return is_ascii(label) ? is_label(label) : is_idna(label);
  });
}

std::size_t idna_steps(std::string_view text) noexcept {
  // libidn2 takes a microsecond for a label as people have them.
  constexpr std::size_t kPerLabel = 45;
  constexpr std::size_t kPerByte = 7;
  text.remove_prefix(text.rfind('@') + 1);
  const bool plain = is_ascii(text) && text.find("--") == std::string_view::npos;
  if (plain || text.size() > 4 * kMaxHost) return 0;
  std::size_t steps = 0;
  each_idn_label(text, [&steps](std::string_view label) {
    const bool judged = !is_ascii(label) || is_a_label(label);
    if (judged) steps += kPerLabel + kPerByte * std::min(label.size(), 4 * kMaxLabel);
    return true;
  });
  return steps;
}

bool is_email(std::string_view text) noexcept {
  return is_mailbox(text, false);
}

bool is_idn_email(std::string_view text) noexcept {
  return is_mailbox(text, true);
}

}  // namespace guard::json::formats
