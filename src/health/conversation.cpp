#include "health/conversation.h"

#include <optional>

#include "core/json_parser.h"
#include "core/json_pointer.h"
#include "core/version.h"
#include "health/database_reply.h"
#include "core/http_reply.h"

namespace guard::health {

namespace {

class TcpConversation : public Conversation {
 public:
  std::string_view say() const noexcept override { return {}; }
  Next said() noexcept override { return Next::more; }
  Next opened() noexcept override { return pass(); }
  Next hear(std::string_view /*bytes*/) noexcept override { return pass(); }
  Next ended() noexcept override { return pass(); }
};

class HttpConversation : public Conversation {
 public:
  explicit HttpConversation(const CheckPolicy& policy)
      : policy_(policy), reply_(!policy.pointer.empty(), kMaxAnswer) {
    const bool six = policy.host.find(':') != std::string::npos;
    request_ = "GET " + policy.path + " HTTP/1.1\r\nHost: " + (six ? "[" : "") + policy.host +
               (six ? "]" : "");
    const std::uint16_t usual = policy.tls ? 443 : 80;
    if (policy.port != usual) request_ += ":" + std::to_string(policy.port);
    request_ += "\r\nUser-Agent: guard-health/" + std::string(core::kVersion) +
                "\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    if (!policy.pointer.empty()) pointer_ = core::JsonPointer(policy.pointer);
  }

  std::string_view say() const noexcept override {
    return said_ ? std::string_view{} : std::string_view(request_);
  }
  Next said() noexcept override {
    said_ = true;
    return Next::more;
  }

  Next hear(std::string_view bytes) noexcept override {
    try {
      return after(reply_.add(bytes));
    } catch (...) {
      return fail("no memory is left");
    }
  }
  Next ended() noexcept override { return after(reply_.end()); }

 private:
  Next after(core::HttpReply::State state) noexcept {
    switch (state) {
      case core::HttpReply::State::head:
      case core::HttpReply::State::body:
        return Next::more;
      case core::HttpReply::State::broken:
        return fail("the answer is no HTTP, not whole, or too large");
      case core::HttpReply::State::done:
        break;
    }
    if (reply_.status() < policy_.status_low || reply_.status() > policy_.status_high) {
      const char digits[] = {static_cast<char>('0' + reply_.status() / 100),
                             static_cast<char>('0' + reply_.status() / 10 % 10),
                             static_cast<char>('0' + reply_.status() % 10)};
      return fail("the status is ", {digits, sizeof(digits)});
    }
    return pointer_ ? judge_body() : pass();
  }

  Next judge_body() noexcept {
    core::JsonParser parser;
    const core::JsonDocument* document = parser.parse(reply_.body(), core::widest_json_limits());
    if (document == nullptr) return fail("the body is no JSON");
    const core::JsonNode* node = pointer_->find(*document);
    if (node == nullptr) return fail("the body has no ", policy_.pointer);
    const auto text = document->scalar(*node);
    if (!text || *text != policy_.equals) {
      return fail("the body says something else at ", policy_.pointer);
    }
    return pass();
  }

  const CheckPolicy& policy_;
  core::HttpReply reply_;
  std::optional<core::JsonPointer> pointer_;
  std::string request_;
  bool said_ = false;
};

}  // namespace

std::unique_ptr<Conversation> converse(const CheckPolicy& policy) noexcept {
  try {
    switch (policy.kind) {
      case Kind::http:
        return std::make_unique<HttpConversation>(policy);
      case Kind::postgres:
        return std::make_unique<PostgresConversation>(policy);
      case Kind::mysql:
        return std::make_unique<MysqlConversation>();
      default:
        return std::make_unique<TcpConversation>();
    }
  } catch (...) {
    return nullptr;
  }
}

}  // namespace guard::health
