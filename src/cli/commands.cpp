#include <array>

#include "cli/command.h"
#include "cli/secret_command.h"

namespace guard::cli {

namespace {

constexpr std::array<Command, 1> kCommands = {kSecretCommand};

}  // namespace

std::span<const Command> commands() noexcept {
  return kCommands;
}

}  // namespace guard::cli
