// guardctl lockout: locks in Redis, seen and lifted at the desk.
#pragma once

#include "cli/command.h"

namespace guard::cli {

int run_lockout(std::span<const std::string_view> words);

inline constexpr Command kLockoutCommand = {
    "lockout", "list|unlock [OPTION ...]", "see and lift locks that are kept in Redis",
    "    list      prints what is locked: policy, hash of the key, hash of the account, seconds\n"
    "              left, how many locks in a row\n"
    "    unlock    forgets locks and failures of what is named, and prints it in the same way\n"
    "\n"
    "    --redis=URL          as in guard_redis, or env:NAME; must be there\n"
    "    --username=NAME      of Redis\n"
    "    --password=SECRET    of Redis: file:/path or env:NAME\n"
    "    --sentinel-password=SECRET\n"
    "                         of the sentinels, where they ask for one\n"
    "    --tls-ca=FILE        whose certificates are trusted (the system's)\n"
    "    --tls-cert=FILE, --tls-key=FILE\n"
    "                         what is shown to a server that asks for a certificate\n"
    "    --tls-name=NAME      whose the server's certificate is (the URL's host)\n"
    "    --tls-verify=off     takes any certificate\n"
    "    --prefix=TEXT        prefix= of guard_redis (guard:)\n"
    "    --policy=NAME        only of this policy\n"
    "    --key=HEX            only this key, 32 digits, as in labels.key_hash of events\n"
    "    --account=NAME       only this account; once for each of them where the key has several\n"
    "                         variables besides the address. It needs\n"
    "    --key-secret=SECRET  what guard_key_secret says: file:/path or env:NAME\n"
    "    --normalize=none     as the policy says (account)\n"
    "\n"
    "unlock needs --key or --account.\n"
    "\n"
    "Exit codes: 0 done; 1 nothing is locked, or Redis cannot be asked; 2 the command line is\n"
    "wrong.\n",
    run_lockout};

}  // namespace guard::cli
