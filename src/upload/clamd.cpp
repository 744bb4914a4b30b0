#include "upload/clamd.h"

#include <cstring>

namespace guard::upload {

void write_piece_head(std::uint32_t size, char* out) noexcept {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(size >> (24 - 8 * i) & 0xff);
}

ClamdReply::State ClamdReply::add(std::string_view bytes) noexcept {
  if (bytes.size() > bytes_.size() - size_) return State::broken;
  std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  const std::string_view all(bytes_.data(), size_);
  const std::size_t end = all.find('\0');
  if (end == std::string_view::npos) return size_ == kMax ? State::broken : State::more;
  if (end + 1 != size_) return State::broken;
  return judge(all.substr(0, end));
}

ClamdReply::State ClamdReply::judge(std::string_view answer) noexcept {
  constexpr std::string_view kStream = "stream: ";
  constexpr std::string_view kFound = " FOUND";
  if (answer == "stream: OK") return State::clean;
  if (answer == "INSTREAM size limit exceeded. ERROR") return State::limit;
  if (!answer.starts_with(kStream) || !answer.ends_with(kFound) ||
      answer.size() <= kStream.size() + kFound.size()) {
    return State::broken;
  }
  signature_ = answer.substr(kStream.size(), answer.size() - kStream.size() - kFound.size());
  // With AlertExceedsMax: it has not looked at all of it.
  return signature_.starts_with("Heuristics.Limits.Exceeded") ? State::limit : State::infected;
}

}  // namespace guard::upload
