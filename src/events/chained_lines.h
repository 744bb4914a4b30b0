// Lines on their way to a sink that are sealed as a chain: many at once, since OpenSSL's code and
// tables, which a request finds cold, then serve a whole batch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "events/chain.h"
#include "events/ecs_encoder.h"
#include "events/line_sink.h"

namespace guard::events {

class ChainedLines : public LineSink {
 public:
  static constexpr std::size_t kBatch = 32;             // lines
  static constexpr std::size_t kBatchSize = 64 * 1024;  // bytes

  // chain outlives this. What inner loses is counted here.
  ChainedLines(Chain& chain, std::unique_ptr<LineSink> inner);

  // Of a line that is not sealed yet.
  std::size_t room() const noexcept override { return inner_->room() - kSealSize; }
  // The line waits for its batch or a flush. False if it is longer than any sink's, and so lost;
  // one that inner refuses later is counted as lost then.
  bool append(std::string_view line, const LineFacts& facts) noexcept override;
  bool flush() noexcept override;
  bool finish() noexcept override;
  bool pending() const noexcept override { return count_ != 0 || inner_->pending(); }
  std::size_t waiting() const noexcept override { return count_ + inner_->waiting(); }
  bool busy() const noexcept override { return inner_->busy(); }
  bool moved() const noexcept override { return inner_->moved(); }
  bool needs_loop() const noexcept override { return inner_->needs_loop(); }
  std::string_view why() const noexcept override { return inner_->why(); }

 private:
  struct Waiting {
    std::size_t size;
    LineFacts facts;
  };

  void seal_all() noexcept;
  void adopt_lost() noexcept;

  Chain& chain_;
  std::unique_ptr<LineSink> inner_;
  std::unique_ptr<char[]> text_;  // of the lines that wait, each with kSealSize bytes behind it
  std::size_t used_ = 0;
  std::array<Waiting, kBatch> waiting_{};
  std::size_t count_ = 0;
};

}  // namespace guard::events
