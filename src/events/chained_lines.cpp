#include "events/chained_lines.h"

#include <cstring>
#include <span>
#include <utility>

namespace guard::events {

ChainedLines::ChainedLines(Chain& chain, std::unique_ptr<LineSink> inner)
    : chain_(chain), inner_(std::move(inner)), text_(new char[kBatchSize]) {}

bool ChainedLines::append(std::string_view line, const LineFacts& facts) noexcept {
  static_assert(kBatchSize >= kLineMax);
  const std::size_t size = line.size() + kSealSize;
  if (size > kLineMax) {
    lose();
    return false;
  }
  if (kBatchSize - used_ < size) seal_all();
  std::memcpy(text_.get() + used_, line.data(), line.size());
  used_ += size;
  waiting_[count_++] = {line.size(), facts};
  if (count_ == kBatch) seal_all();
  return true;
}

void ChainedLines::seal_all() noexcept {
  char* text = text_.get();
  for (const Waiting& line : std::span(waiting_).first(count_)) {
    const std::span<char> whole(text, line.size + kSealSize);
    text += whole.size();
    const std::size_t size = chain_.seal(whole, line.size, line.facts.sequence, line.facts.time_ms);
    if (size == 0) {
      lose();
    } else if (inner_->append({whole.data(), size}, line.facts)) {
      chain_.took();
      took();
    }
  }
  used_ = count_ = 0;
  adopt_lost();
}

void ChainedLines::adopt_lost() noexcept {
  for (std::uint64_t lost = inner_->take_lost(); lost != 0; --lost) lose();
}

bool ChainedLines::flush() noexcept {
  seal_all();
  const bool done = inner_->flush();
  adopt_lost();
  return done;
}

bool ChainedLines::finish() noexcept {
  seal_all();
  const bool done = inner_->finish();
  adopt_lost();
  return done;
}

}  // namespace guard::events
