#include "core/redis_probe.h"

#include "core/clock.h"
#include "core/redis_reason.h"
#include "core/words.h"
#include "redis/failures.h"

namespace guard::core {

void RedisProbe::check_name(ngx_conf_t* cf, std::string_view name) {
  if (redis::Client::find(cf, name) != nullptr) return;
  fail("unknown Redis \"", name, "\", a \"guard_redis\" must define it before it is used");
}

std::unique_ptr<RedisProbe> RedisProbe::make(ngx_cycle_t* cycle, std::string_view name, Done done,
                                             void* context) {
  redis::Client* client = redis::Client::find(cycle, name);
  return client == nullptr ? nullptr : std::make_unique<RedisProbe>(*client, done, context);
}

RedisProbe::RedisProbe(redis::Client& client, Done done, void* context) noexcept
    : Command(
          [](Command& command, redis::Output& output) noexcept {
            output.begin(1);
            output.bulk(static_cast<RedisProbe&>(command).answered_ ? "INFO" : "PING");
          },
          [](Command& command, const redis::Reply& reply) noexcept {
            static_cast<RedisProbe&>(command).finish(reply);
          }),
      client_(client),
      done_(done),
      context_(context) {
  may_be_lacking = true;
}

RedisProbe::~RedisProbe() {
  if (waiting()) client_.forget(*this);
}

void RedisProbe::ask() noexcept {
  if (waiting()) return;
  answered_ = false;
  asked_at_ = microseconds();
  client_.send(*this);
}

void RedisProbe::finish(const redis::Reply& reply) noexcept {
  const std::string_view problem = reason_of(reply);
  const bool answers = problem.empty() || redis::lacks_command(problem);
  if (!answered_) {
    answer_.microseconds = microseconds() - asked_at_;
    if (answers) {
      answered_ = true;
      return client_.send(*this);
    }
  }
  answer_.problem = answers ? std::string_view{} : problem;
  answer_.facts = reply.ok() ? reply.text() : std::string_view{};
  done_(context_, answer_);
}

}  // namespace guard::core
