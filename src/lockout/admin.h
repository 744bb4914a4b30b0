// What guard_lockout_admin is asked and answers: which locks and bans are meant, and how they are
// written. Free of nginx.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lockout/ban_register.h"
#include "lockout/lockout_attempts.h"

namespace guard::lockout {

inline constexpr std::size_t kMaxAdminWords = 8;  // of a query
inline constexpr std::size_t kMaxListed = 1000;   // locks, and as many bans, in one answer
inline constexpr std::size_t kLeastDigits = 12;   // of a ban's key

// ?policy=NAME&key=HEX&account=TEXT&client=TEXT, all of which may be missing. account is repeated
// for keys with several variables that name the account, client for ban keys of several.
struct AdminQuery {
  std::string policy;
  std::string key;  // lower-case hexadecimal digits
  std::vector<std::string> accounts;
  std::vector<std::string> clients;

  // Whether it says which locks or bans are meant, and not only of which policy.
  bool selects() const { return !key.empty() || !accounts.empty() || !clients.empty(); }
};

// Reads what is behind the "?", percent-encoded. What is wrong is said in `error`, without a byte
// of the query. Throws std::bad_alloc.
std::optional<AdminQuery> parse_admin_query(std::string_view text, std::string& error);

struct FoundLock {
  Guarded* policy = nullptr;
  Lock lock;
};

struct FoundBan {
  const BanRegister* policy = nullptr;
  std::uint64_t tag = 0;  // 48 bits of the key's hash
  Ban ban;
};

struct Found {
  std::vector<FoundLock> locks;
  std::vector<FoundBan> bans;
  bool truncated = false;  // there are more
  bool untold = false;     // some of it was lifted, and Redis cannot be told
};

// Adds what is in force, and lifts it if `lift`. The policy's name is not looked at. account: hash
// of the account that is meant. Throws nothing once `found` has room for kMaxListed of each.
void find_locks(Guarded& policy, const AdminQuery& query, std::optional<std::uint64_t> account,
                bool lift, std::uint64_t now_ms, Found& found) noexcept;
// client: the hash of the key that is meant; now: microseconds.
void find_bans(BanRegister& policy, const AdminQuery& query, std::optional<std::uint64_t> client,
               bool lift, std::uint64_t now, Found& found) noexcept;

// The JSON text. now: microseconds, of the clock of bans. Throws std::bad_alloc.
std::string to_json(const Found& found, std::uint64_t now);

}  // namespace guard::lockout
