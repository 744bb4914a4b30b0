#include "origin/origin_list.h"

#include <idn2.h>

#include <algorithm>

#include "core/address.h"
#include "core/ascii.h"
#include "core/words.h"
#include "origin/origin.h"

namespace guard::origin {

namespace {

using core::fail;

constexpr std::string_view kMark = "://";
constexpr std::string_view kLike =
    "\", one like \"https://app.example.com\" or \"https://*.example.com\" is expected";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), core::to_lower);
  return out;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Browsers send host names in their ASCII form. Empty if there is none.
std::string ascii_form(std::string_view word) {
  const std::size_t host = word.find(kMark) + kMark.size();
  const std::size_t end = std::min(word.find(':', host), word.size());
  char* out = nullptr;
  const std::string name(word.substr(host, end - host));
  if (idn2_to_ascii_8z(name.c_str(), &out, IDN2_NONTRANSITIONAL) != IDN2_OK) return {};
  std::string text(word.substr(0, host));
  text.append(out).append(word.substr(end));
  idn2_free(out);
  return text;
}

// What can be said of it beyond that it is none.
[[noreturn]] void fail_origin(std::string_view word) {
  const std::size_t mark = word.find(kMark);
  if (word.find('$') != std::string_view::npos) {
    fail("invalid origin \"", word,
         "\", variables are not taken: an origin that comes from the request admits every site");
  }
  if (mark == std::string_view::npos) {
    if (parse_authority(word)) {
      fail("invalid origin \"", word, "\", it has no scheme, did you mean \"https://", word, "\"?");
    }
    fail("invalid origin \"", word, kLike);
  }
  if (!is_ascii(word)) {
    const std::string ascii = ascii_form(word);
    if (!ascii.empty() && parse_origin(ascii)) {
      fail("invalid origin \"", word, "\", browsers send \"", lower(ascii), "\"");
    }
  }
  const std::size_t slash = word.find_first_of("/?#", mark + kMark.size());
  if (slash != std::string_view::npos && parse_origin(word.substr(0, slash))) {
    fail("invalid origin \"", word, "\", it has no path, did you mean \"", word.substr(0, slash),
         "\"?");
  }
  fail("invalid origin \"", word, kLike);
}

}  // namespace

void OriginList::add(std::string_view word) {
  const auto fail_duplicate = [&] { fail("duplicate origin \"", word, "\""); };
  if (word == "*") {
    if (any_) fail_duplicate();
    any_ = true;
  } else if (word == "null") {
    if (null_) fail_duplicate();
    null_ = true;
  } else {
    // The rest of a wildcard is read as an origin of its own.
    const std::size_t star = word.find('*');
    const bool wildcard = star != std::string_view::npos;
    std::string plain(word);
    if (wildcard) {
      const std::size_t mark = word.find(kMark);
      const bool in_front = mark != std::string_view::npos && star == mark + kMark.size();
      if (in_front && word.find('.', star) == std::string_view::npos) {
        fail("invalid origin \"", word, "\", it is every site, which is \"*\"");
      }
      if (!in_front || word.find('*', star + 1) != std::string_view::npos ||
          word.substr(star, 2) != "*.") {
        fail("invalid origin \"", word,
             "\", \"*\" stands for whole labels in front of a host name, as in "
             "\"https://*.example.com\"");
      }
      plain.erase(star, 2);
    }
    const auto origin = parse_origin(plain);
    if (!origin) fail_origin(word);
    if (wildcard && (origin->host.front() == '[' || core::parse_address(origin->host))) {
      fail("invalid origin \"", word, "\", an address has no subdomains");
    }
    // The dot of the root parts no labels.
    std::string_view labels = origin->host;
    if (labels.ends_with('.')) labels.remove_suffix(1);
    if (wildcard && labels.find('.') == std::string_view::npos &&
        !core::equal_without_case(labels, "localhost")) {
      fail("invalid origin \"", word, "\", it is every site under \"", origin->host, "\"");
    }
    Entry entry;
    entry.scheme = lower(origin->scheme);
    entry.host = (wildcard ? "." : "") + lower(origin->host);
    entry.port = origin->port;
    entry.wildcard = wildcard;
    entry.text = entry.scheme + std::string(kMark) + (wildcard ? "*" : "") + entry.host;
    if (entry.port != default_port(entry.scheme)) {
      entry.text.append(":").append(std::to_string(entry.port));
    }
    const auto same = [&](const Entry& other) { return other.text == entry.text; };
    if (std::ranges::any_of(entries_, same)) fail_duplicate();
    if (entries_.size() == kMax) fail("more than ", std::to_string(kMax), " origins");
    entries_.push_back(std::move(entry));
  }
  if (any_ && (null_ || !entries_.empty())) fail("origin \"*\" beside others");
}

bool OriginList::contains(std::string_view text) const noexcept {
  if (any_) return true;
  if (text == "null") return null_;
  const auto is_it = [text](const Entry& entry) { return !entry.wildcard && entry.text == text; };
  if (std::ranges::any_of(entries_, is_it)) return true;
  // Browsers send what entry.text is; who writes it in another way is not refused for that.
  const auto origin = parse_origin(text);
  if (!origin) return false;
  for (const Entry& entry : entries_) {
    if (entry.port != origin->port || !core::equal_without_case(entry.scheme, origin->scheme))
      continue;
    const std::string_view host = origin->host;
    if (!entry.wildcard) {
      if (core::equal_without_case(entry.host, host)) return true;
    } else if (host.size() > entry.host.size() &&
               core::equal_without_case(host.substr(host.size() - entry.host.size()), entry.host)) {
      return true;
    }
  }
  return false;
}

}  // namespace guard::origin
