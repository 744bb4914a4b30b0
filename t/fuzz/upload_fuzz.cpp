// Any bytes as the name and declared type of a file, and as clamd's answer: what passes
// names=strict has no part of a path and no control character, types are of the set that was asked
// for, only one answer means that a file is clean, and only one that clamd is there.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "upload/clamd.h"
#include "upload/clamd_dialogue.h"
#include "upload/file_name.h"
#include "upload/file_types.h"

namespace {

namespace upload = guard::upload;

void require(bool condition) {
  if (!condition) std::abort();
}

void try_name(std::string_view name) {
  const upload::Extension extension(name);
  require(extension.text().size() <= 16);
  if (name.empty() || !upload::check_name(name).keyword.empty()) return;
  require(name.size() <= upload::kMaxName);
  for (const char c : name) {
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '/' && c != '\\' &&
            c != ':');
  }
  require(name.front() != '.' && name.back() != '.' && name.back() != ' ');
  require(!upload::is_active_extension(extension.text()));
}

void try_type(std::string_view type, std::uint8_t choice) {
  const upload::TypeSet set = upload::TypeSet{0x123456789abcdef} * (choice + 1);
  const auto found = upload::declared_type(set, type);
  require(!found || (set >> *found & 1) != 0);
}

void try_answer(std::string_view answer, std::size_t piece) {
  using State = upload::ClamdReply::State;
  upload::ClamdReply reply;
  State state = State::more;
  std::string heard;
  while (!answer.empty() && state == State::more) {
    const std::size_t size = std::min(piece, answer.size());
    const std::unique_ptr<char[]> copy(new char[size]);
    std::memcpy(copy.get(), answer.data(), size);
    heard.append(copy.get(), size);
    state = reply.add({copy.get(), size});
    answer.remove_prefix(size);
  }
  require((state == State::clean) == (heard == std::string("stream: OK\0", 11)));
  if (state == State::infected) {
    require(!reply.signature().empty());
    require(heard == "stream: " + std::string(reply.signature()) + " FOUND" + '\0');
  }
}

void try_pong(std::string_view answer, std::size_t piece) {
  upload::Ping ping;
  ping.opened();
  std::string heard;
  while (!answer.empty()) {
    const std::string next(answer.substr(0, piece));
    heard += next;
    if (ping.hear(next) == upload::Ping::Next::done) {
      require(ping.problem().empty() == (heard == upload::kClamdPong));
      return;
    }
    answer.remove_prefix(next.size());
  }
  require(heard.size() < upload::kClamdPong.size() && upload::kClamdPong.starts_with(heard));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  try_name(bytes);
  try_type(bytes, data[0]);
  try_answer(bytes, 1 + data[0]);
  try_pong(bytes, 1 + data[0] % 8);
  try_pong("PON" + std::string(bytes), 1 + data[0] % 8);
  try_answer("stream: " + std::string(bytes), 1 + data[0] % 8);
  return 0;
}
