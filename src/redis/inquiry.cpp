#include "redis/inquiry.h"

#include <array>

namespace guard::redis {

namespace {

constexpr std::size_t kReadSize = 4096;

}  // namespace

Inquiry::Inquiry(Owner& owner, Client& client, const Terms& terms) noexcept
    : owner_(owner),
      client_(client),
      terms_(terms),
      connection_(*this),
      timer_(
          [](void* self) noexcept {
            auto& inquiry = *static_cast<Inquiry*>(self);
            inquiry.no_answer(inquiry.terms_.who, " does not answer in time");
          },
          this, false) {}

void Inquiry::ask() noexcept {
  asking_ = true;
  tried_ = 0;
  ask_next();
}

void Inquiry::ask_next() noexcept {
  // Each of those that refuse at once; one that makes us wait ends the loop.
  while (const ngx::Endpoint* next = owner_.candidate(tried_)) {
    endpoint_ = *next;
    ++tried_;
    timer_.start(client_.settings().connect_timeout());
    switch (connection_.open(endpoint_, client_.settings().route)) {
      case ngx::Outgoing::Opening::opened:
        return opened();
      case ngx::Outgoing::Opening::pending:
        return;
      case ngx::Outgoing::Opening::failed:
        break;
    }
    why_.set(connection_.why());
  }
  close();
  asking_ = false;
  owner_.on_silence();
}

void Inquiry::opened() noexcept {
  if (!reader_.start()) return no_answer("out of memory");
  authenticating_ = !terms_.password.empty();
  if (authenticating_) {
    output_.begin(terms_.user.empty() ? 2 : 3);
    output_.bulk("AUTH");
    if (!terms_.user.empty()) output_.bulk(terms_.user);
    output_.bulk(terms_.password.expose());
  }
  owner_.put_question(output_);
  if (output_.failed()) return no_answer("out of memory");
  write_out();
}

void Inquiry::write_out() noexcept {
  while (!output_.pending().empty()) {
    const ssize_t sent = connection_.write(output_.pending());
    if (sent == 0) return;
    if (sent < 0) return no_answer(connection_.why());
    output_.sent(static_cast<std::size_t>(sent));
  }
}

void Inquiry::readable() noexcept {
  std::array<char, kReadSize> buffer;
  for (;;) {
    const ssize_t got = connection_.read(buffer.data(), buffer.size());
    if (got == 0) return;
    if (got < 0) return no_answer(connection_.why());
    bool go_on = true;
    const bool understood =
        reader_.feed({buffer.data(), static_cast<std::size_t>(got)}) &&
        reader_.drain([&](const Reply& reply) noexcept { return go_on = on_reply(reply); });
    if (!go_on) return;
    if (!understood) return no_answer("what came is no reply of ", terms_.who);
  }
}

// Whether there is more to come.
bool Inquiry::on_reply(const Reply& reply) noexcept {
  if (authenticating_) {
    authenticating_ = false;
    if (reply.ok()) return true;
    no_answer("AUTH was refused by ", terms_.who);
    return false;
  }
  if (!reply.ok()) {
    no_answer(reply.text().empty() ? "an error without a reason" : reply.text());
    return false;
  }
  // The owner may ask anew at once.
  asking_ = false;
  const std::string_view problem = owner_.on_answer(reply, tried_ - 1, endpoint_);
  if (problem.empty()) {
    if (!asking_) close();
    return false;
  }
  asking_ = true;
  no_answer(problem);
  return false;
}

void Inquiry::no_answer(std::string_view text, std::string_view more) noexcept {
  why_.set(text, more);
  close();
  ask_next();
}

void Inquiry::close() noexcept {
  connection_.close();
  output_.clear();
  reader_.stop();
  timer_.stop();
}

void Inquiry::writable() noexcept {
  write_out();
}

void Inquiry::broken() noexcept {
  no_answer(connection_.why());
}

}  // namespace guard::redis
