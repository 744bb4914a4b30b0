// A question to servers of which each may know the answer: one is asked after the other, over a
// connection of its own and each within connect_timeout, until one answers.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/plain_text.h"
#include "core/secret.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "redis/client.h"
#include "redis/output.h"
#include "redis/reader.h"

namespace guard::redis {

class Inquiry final : private ngx::Outgoing::Owner {
 public:
  class Owner {
   public:
    // Whom to ask as the i-th (0, 1, ...) of this time; null: there are no more.
    virtual const ngx::Endpoint* candidate(std::size_t i) noexcept = 0;
    virtual void put_question(Output& output) noexcept = 0;
    // What the i-th has said that is no error, with whom it was. Returns why that is no answer, and
    // the next one is asked; nothing: the inquiry is over.
    virtual std::string_view on_answer(const Reply& reply, std::size_t i,
                                       const ngx::Endpoint& who) noexcept = 0;
    // Nobody has answered; why() says what the last one did instead.
    virtual void on_silence() noexcept = 0;

   protected:
    ~Owner() = default;
  };

  // Who is asked, for the texts. user: of AUTH, may be empty; without a password there is none.
  struct Terms {
    std::string_view who;
    std::string_view user;
    const core::Secret& password;
  };

  Inquiry(Owner& owner, Client& client, const Terms& terms) noexcept;

  bool asking() const noexcept { return asking_; }
  // Not while asking(). The owner may hear from within it that nobody answers.
  void ask() noexcept;
  std::string_view why() const noexcept { return why_.view(); }

 private:
  // Each of 16,384 slots may be told of by itself, with two replicas and all their names.
  static constexpr std::size_t kMostBytes = std::size_t{8} << 20;

  void opened() noexcept override;
  void readable() noexcept override;
  void writable() noexcept override;
  void broken() noexcept override;

  void ask_next() noexcept;
  void no_answer(std::string_view text, std::string_view more = {}) noexcept;
  void write_out() noexcept;
  bool on_reply(const Reply& reply) noexcept;
  void close() noexcept;

  Owner& owner_;
  Client& client_;
  Terms terms_;
  ngx::Outgoing connection_;
  ngx::Endpoint endpoint_;
  Output output_;
  Reader reader_{kMostBytes};
  ngx::Timer timer_;
  std::size_t tried_ = 0;
  bool asking_ = false;
  bool authenticating_ = false;
  core::PlainText<256> why_;
};

}  // namespace guard::redis
