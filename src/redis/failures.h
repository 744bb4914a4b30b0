// Errors that say that the server, or what it thinks of us, is the trouble, and not the command.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "redis/slots.h"

namespace guard::redis {

// Before Redis 7 what a command in a script says stands behind where that was: "ERR Error running
// script (call to f_...): @user_script:27: @user_script: 27: -READONLY ...", or without the minus.
inline std::string_view cause_of(std::string_view error) noexcept {
  constexpr std::string_view kPlace = "@user_script:";
  const std::size_t place = error.rfind(kPlace);
  if (!error.starts_with("ERR Error running script") || place == std::string_view::npos) {
    return error;
  }
  const std::size_t end = error.find(": ", place + kPlace.size());
  if (end == std::string_view::npos) return error;
  error.remove_prefix(end + 2);
  if (error.starts_with('-')) error.remove_prefix(1);
  return error;
}

inline std::string_view code_of(std::string_view error) noexcept {
  error = cause_of(error);
  return error.substr(0, error.find(' '));
}

// A right that is missing within a script has no code of its own: so Redis 6 and 7.0 say it,
// and 7.2 and later.
inline bool lacks_right_in_script(std::string_view error) noexcept {
  return error.find("The user executing the script can't ") != std::string_view::npos ||
         error.find("ACL failure in script") != std::string_view::npos;
}

// A user may be allowed to write, and not to do what else commands need.
inline bool lacks_right(std::string_view error) noexcept {
  return code_of(error) == "NOPERM" || lacks_right_in_script(error);
}

// Nothing is wrong but that this user may not run such a command, or nobody (rename-command).
inline bool lacks_command(std::string_view error) noexcept {
  return lacks_right(error) || error.starts_with("ERR unknown command");
}

inline bool is_unknown_script(std::string_view error) noexcept {
  return code_of(error) == "NOSCRIPT";
}

inline bool is_unknown_script(const Reply& reply) noexcept {
  return reply.fault() == Fault::error && is_unknown_script(reply.text());
}

inline bool is_failure(std::string_view error) noexcept {
  constexpr std::array<std::string_view, 12> kCodes = {
      "OOM",       "READONLY", "LOADING", "MASTERDOWN",  "BUSY",       "NOAUTH",
      "WRONGPASS", "NOPERM",   "MISCONF", "CLUSTERDOWN", "UNKILLABLE", "NOREPLICAS"};
  // Says nothing of other slots.
  if (error == "CLUSTERDOWN Hash slot not served") return false;
  return std::ranges::find(kCodes, code_of(error)) != kCodes.end() || lacks_right_in_script(error);
}

// That commands like this one will never be carried out, however well others are. cluster: there is
// one, whose topology sees to what is about slots.
inline bool is_refusal(std::string_view error, bool cluster) noexcept {
  if (is_unknown_script(error)) return false;
  if (cluster && (is_redirection(error) || error.starts_with("CLUSTERDOWN"))) return false;
  return lacks_right(error) || !is_failure(error);
}

}  // namespace guard::redis
