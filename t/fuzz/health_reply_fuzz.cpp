// What servers answer to health checks: any bytes, in pieces of any size, come to the same verdict
// as in one piece, and nothing is kept beyond its bound.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "health/conversation.h"
#include "health/local_probe.h"
#include "health/redis_facts.h"

namespace {

using namespace guard::health;

Status talk(const CheckPolicy& policy, std::string_view bytes, std::size_t piece) {
  const auto conversation = converse(policy);
  if (conversation == nullptr) std::abort();
  auto next = Conversation::Next::more;
  auto speak = [&] {
    for (int i = 0; i < 4 && !conversation->say().empty(); ++i) conversation->said();
    if (!conversation->say().empty()) std::abort();
  };
  speak();
  // Another connection begins where its server is asked again; what came behind is gone with the
  // old one, so pieces of one byte are the only ones to compare with.
  while (!bytes.empty() && next != Conversation::Next::done) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    next = conversation->hear(part);
    if (next == Conversation::Next::again && part.size() > 1) return Status::unknown;
    if (next == Conversation::Next::secure) next = conversation->secured();
    speak();
  }
  if (next != Conversation::Next::done) next = conversation->ended();
  if (next != Conversation::Next::done) std::abort();
  if (conversation->result().output().size() > kMaxOutput) std::abort();
  return conversation->result().status;
}

CheckPolicy policy_of(std::vector<std::string_view> words) {
  words.insert(words.begin(), "guard_health_check");
  guard::core::Words all(std::move(words));
  return parse_check(all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const CheckPolicy policies[] = {
      policy_of({"h", "http://h/", "pointer=/a", "equals=b"}), policy_of({"h", "http://h/"}),
      policy_of({"p", "postgres://h"}), policy_of({"m", "mysql://h"})};
  if (size == 0) return 0;
  const CheckPolicy& policy = policies[data[0] % 4];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Status whole = talk(policy, bytes, size);
  const Status pieces = talk(policy, bytes, 1 + data[0] / 4);
  // A first word of PostgreSQL that is too early depends on how it comes.
  if (policy.kind == Kind::http && whole != pieces) std::abort();
  judge_redis(policy, {}, bytes, 1);
  const MemoryFacts facts = read_memory(bytes, bytes, bytes, bytes);
  if (facts.bytes != 0 && judge_memory(policies[0], facts).share > 1000 &&
      facts.available <= facts.bytes) {
    std::abort();
  }
  return 0;
}
