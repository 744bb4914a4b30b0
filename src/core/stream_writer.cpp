#include "core/stream_writer.h"

#include <algorithm>
#include <utility>

#include "core/redis_reason.h"
#include "core/words.h"

namespace guard::core {

namespace {

// One call, so that all of a batch is there or nothing, and a cluster has one key to look at.
constexpr std::string_view kScript =
    "for i=2,#ARGV do redis.call('XADD',KEYS[1],'MAXLEN','~',ARGV[1],'*','event',ARGV[i]) end "
    "return #ARGV-1";

}  // namespace

StreamWriter::StreamWriter(redis::Client& client, std::string_view key, std::uint64_t maxlen,
                           MessageQueue& queue)
    : Command(
          [](Command& command, redis::Output& output) noexcept {
            static_cast<StreamWriter&>(command).put(output);
          },
          [](Command& command, const redis::Reply& reply) noexcept {
            static_cast<StreamWriter&>(command).done(reply);
          }),
      client_(client),
      key_(key),
      maxlen_(std::to_string(maxlen)),
      queue_(queue) {
  route = key_;
}

StreamWriter::~StreamWriter() {
  if (waiting()) client_.forget(*this);
}

redis::Client& StreamWriter::client_named(ngx_conf_t* cf, std::string_view name) {
  redis::Client* client = redis::Client::find(cf, name);
  if (client == nullptr) {
    fail("unknown Redis \"", name, "\", a \"guard_redis\" must define it before it is used");
  }
  return *client;
}

bool StreamWriter::flush() noexcept {
  if (queue_.empty()) return true;
  if (waiting()) return false;
  std::size_t bytes = 0;
  sent_ = queue_.each([&, count = std::size_t{0}](std::string_view message) mutable {
    if (count == kBatch || bytes > kBatchBytes) return false;
    ++count;
    bytes += message.size();
    return true;
  });
  client_.send(*this);
  return false;
}

void StreamWriter::put(redis::Output& output) noexcept {
  output.begin(5 + sent_);
  output.bulk("EVAL");
  output.bulk(kScript);
  output.bulk("1");
  output.bulk(key_);
  output.bulk(maxlen_);
  std::size_t left = sent_;
  queue_.each([&](std::string_view message) {
    if (left == 0) return false;
    --left;
    output.bulk(message);
    return true;
  });
}

void StreamWriter::done(const redis::Reply& reply) noexcept {
  why_.set(reason_of(reply));
  if (!reply.ok()) return;
  for (; sent_ != 0; --sent_) queue_.pop();
  flush();
}

}  // namespace guard::core
