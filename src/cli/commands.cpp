#include <array>

#include "cli/command.h"
#include "cli/csp_command.h"
#include "cli/events_command.h"
#include "cli/inspect_command.h"
#include "cli/lockout_command.h"
#include "cli/openapi_command.h"
#include "cli/schema_command.h"
#include "cli/secret_command.h"

namespace guard::cli {

namespace {

constexpr std::array<Command, 7> kCommands = {kCspCommand,     kEventsCommand,  kInspectCommand,
                                              kLockoutCommand, kOpenapiCommand, kSchemaCommand,
                                              kSecretCommand};

}  // namespace

std::span<const Command> commands() noexcept {
  return kCommands;
}

}  // namespace guard::cli
