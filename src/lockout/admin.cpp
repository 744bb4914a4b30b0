#include "lockout/admin.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/counter_zone.h"
#include "core/hex.h"
#include "core/json_escape.h"

namespace guard::lockout {

namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = core::to_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Nothing: a "%" without two digits. A "+" stays one: addresses of accounts have them.
std::optional<std::string> decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    int high = digit_of(text[i + 1]);
    int low = digit_of(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return plain;
}

bool take_key(std::string_view value, std::string& key) {
  if (value.size() < kLeastDigits || value.size() > kHashDigits) return false;
  for (char c : value) {
    if (digit_of(c) < 0) return false;
    key.push_back(core::to_lower(c));
  }
  return true;
}

// Empty: it is taken. Else what is wrong.
std::string_view take(std::string_view name, std::string&& value, AdminQuery& query) {
  if (value.empty()) return "a word has no value";
  if (name == "account") {
    query.accounts.push_back(std::move(value));
  } else if (name == "client") {
    query.clients.push_back(std::move(value));
  } else if (name == "policy" && query.policy.empty()) {
    query.policy = std::move(value);
  } else if (name == "key" && query.key.empty()) {
    if (!take_key(value, query.key)) return "\"key\" is not 12 to 32 hexadecimal digits";
  } else if (name == "policy" || name == "key") {
    return "\"policy\" and \"key\" can be said once";
  } else {
    return "a word is none of \"policy\", \"key\", \"account\" and \"client\"";
  }
  return {};
}

std::string_view view(const auto& digits) noexcept {
  return {digits.data(), digits.size()};
}

// Twelve digits: all that the table knows of a ban's key.
std::array<char, kLeastDigits> digits_of(std::uint64_t tag) noexcept {
  std::array<char, 16> all;
  core::write_hex(tag, all.data());
  std::array<char, kLeastDigits> last;
  std::copy(all.end() - kLeastDigits, all.end(), last.begin());
  return last;
}

bool means(const AdminQuery& query, std::optional<std::uint64_t> account, const Lock& lock) {
  if (!query.key.empty() && query.key != view(core::hex_of(lock.hash))) return false;
  if (account && *account != lock.account) return false;
  return true;
}

bool means(const AdminQuery& query, std::optional<std::uint64_t> client, std::uint64_t tag) {
  // Its event has the digits of the whole hash, the last of which are the tag.
  if (!query.key.empty() && !std::string_view(query.key).ends_with(view(digits_of(tag)))) {
    return false;
  }
  return !client || core::key_of_hash(*client) == tag ||
         core::key_of_hash(observed({*client}).hash) == tag;
}

void append_number(std::string& text, std::string_view name, std::uint64_t number) {
  text.append(",\"").append(name).append("\":").append(std::to_string(number));
}

std::uint64_t seconds(std::uint64_t milliseconds) noexcept {
  return (milliseconds + 999) / 1000;
}

void append_lock(std::string& text, const FoundLock& found) {
  std::array<char, 16> account;
  core::write_hex(found.lock.account, account.data());
  text.append("{\"policy\":");
  core::append_json_string(text, found.policy->name);
  text.append(",\"key\":\"").append(view(core::hex_of(found.lock.hash)));
  text.append("\",\"account\":\"").append(view(account)).append("\"");
  append_number(text, "seconds_left", seconds(found.lock.left));
  append_number(text, "locks_in_a_row", found.lock.repeats);
  text.append("}");
}

void append_ban(std::string& text, const FoundBan& found, std::uint64_t now) {
  text.append("{\"policy\":");
  core::append_json_string(text, found.policy->policy.name);
  text.append(",\"key\":\"").append(view(digits_of(found.tag))).append("\"");
  append_number(text, "seconds_left", seconds(found.ban.end - std::min(found.ban.end, now / 1000)));
  append_number(text, "score", found.ban.score);
  text.append(",\"observed\":").append(found.ban.state == BanState::observed ? "true" : "false");
  text.append("}");
}

}  // namespace

std::optional<AdminQuery> parse_admin_query(std::string_view text, std::string& error) {
  AdminQuery query;
  std::size_t count = 0;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('&'), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (++count > kMaxAdminWords) {
      error = "more than 8 words";
      return std::nullopt;
    }
    std::size_t equals = word.find('=');
    std::string_view name = word.substr(0, equals);
    std::optional<std::string> value =
        decode(equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1));
    if (!value) {
      error = "a \"%\" without two hexadecimal digits behind it";
      return std::nullopt;
    }
    error = take(name, std::move(*value), query);
    if (!error.empty()) return std::nullopt;
  }
  return query;
}

void find_locks(Guarded& policy, const AdminQuery& query, std::optional<std::uint64_t> account,
                bool lift, std::uint64_t now_ms, Found& found) noexcept {
  // Whoever asks for clients asks for bans.
  if (!query.clients.empty()) return;
  // What is not told stays.
  auto wanted = [&](const Lock& lock) {
    if (!means(query, account, lock)) return false;
    const bool room = found.locks.size() < kMaxListed;
    found.truncated = found.truncated || !room;
    return room;
  };
  auto keep = [&](const Lock& lock) { found.locks.push_back({&policy, lock}); };
  if (lift) return policy.table->unlock(now_ms, wanted, keep);
  policy.table->list(now_ms, [&](const Lock& lock) {
    if (wanted(lock)) keep(lock);
    return !found.truncated;
  });
}

void find_bans(BanRegister& policy, const AdminQuery& query, std::optional<std::uint64_t> client,
               bool lift, std::uint64_t now, Found& found) noexcept {
  if (!query.accounts.empty()) return;
  if (!query.clients.empty() && !client) return;
  policy.table->each_ban(now, [&](std::uint64_t tag, const Ban& ban) {
    if (!means(query, client, tag)) return BanTable::Visit::keep;
    if (found.bans.size() == kMaxListed) {
      found.truncated = true;
      return BanTable::Visit::keep;
    }
    found.bans.push_back({&policy, tag, ban});
    return lift ? BanTable::Visit::lift : BanTable::Visit::keep;
  });
}

std::string to_json(const Found& found, std::uint64_t now) {
  std::string text = "{\"lockouts\":[";
  bool first = true;
  for (const FoundLock& lock : found.locks) {
    if (!first) text.push_back(',');
    first = false;
    append_lock(text, lock);
  }
  text.append("],\"bans\":[");
  first = true;
  for (const FoundBan& ban : found.bans) {
    if (!first) text.push_back(',');
    first = false;
    append_ban(text, ban, now);
  }
  text.append("],\"truncated\":").append(found.truncated ? "true" : "false");
  if (found.untold) text.append(",\"redis_unavailable\":true");
  return text.append("}\n");
}

}  // namespace guard::lockout
