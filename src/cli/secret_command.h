// guardctl secret: a fresh random secret for guard_key_secret and the like.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_secret(std::span<const std::string_view> words);

inline constexpr Command kSecretCommand = {
    "secret", "[--bytes N]", "print a fresh random secret",
    "Prints N random bytes (32 unless told, 16 to 1024) as base64url without padding, and\n"
    "a newline, for guard_key_secret and other SECRET words. Keep it in a file that only\n"
    "nginx's master process can read:\n"
    "\n"
    "    (umask 077; guardctl secret >/etc/nginx/guard-key)\n"
    "    guard_key_secret file:/etc/nginx/guard-key;\n",
    run_secret};

}  // namespace guard::cli
