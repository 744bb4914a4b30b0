// Networks: a word is a ConfigError, or a network that contains its own address; and an address
// reads the same once it is written.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/address.h"
#include "core/cidr.h"
#include "core/forwarded.h"
#include "core/words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = guard::core;
  const std::string_view word(reinterpret_cast<const char*>(data), size);
  (void)core::parse_forwarded_proto(word);
  if (const auto address = core::parse_address(word)) {
    char text[core::kClientNetMax];
    const std::size_t written = core::write_client_net(*address, text);
    if (written == 0 || written > core::kClientNetMax) std::abort();
    // The name of the net is a network that the address is in.
    core::CidrList net;
    net.add({text, written});
    if (!net.contains(*address)) std::abort();
  }
  core::CidrList networks;
  try {
    networks.add(word);
  } catch (const core::ConfigError&) {
    return 0;
  }
  if (networks.empty()) std::abort();
  if (word == "unix:") return 0;
  const auto address = core::parse_address(word.substr(0, word.find('/')));
  if (!address || !networks.contains(*address)) std::abort();
  return 0;
}
