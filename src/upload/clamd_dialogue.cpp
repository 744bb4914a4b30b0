#include "upload/clamd_dialogue.h"

#include <algorithm>

namespace guard::upload {

void Instream::begin(std::uint64_t offset, std::uint64_t size) noexcept {
  offset_ = offset;
  size_ = size;
  reached_ = infected_ = false;
  fault_ = ScanFault::none;
  filled_ = 0;
}

Instream::Next Instream::opened() noexcept {
  reached_ = true;
  ended_ = false;
  asked_ = 0;
  reply_ = {};
  std::ranges::copy(kClamdCommand, buffer_.begin());
  filled_ = kClamdCommand.size();
  return fill();
}

Instream::Next Instream::said() noexcept {
  filled_ = 0;
  return ended_ ? Next::more : fill();
}

// The next piece, behind what is in the buffer.
Instream::Next Instream::fill() noexcept {
  const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size_ - asked_));
  write_piece_head(static_cast<std::uint32_t>(piece), buffer_.data() + filled_);
  filled_ += kClamdPieceHead;
  ended_ = piece == 0;
  if (!ended_ && !copy_(context_, offset_ + asked_, buffer_.data() + filled_, piece)) {
    return fail(ScanFault::body);
  }
  filled_ += piece;
  asked_ += piece;
  return Next::more;
}

// An answer to a part of the file is none to all of it, unless it is bad already.
Instream::Next Instream::hear(std::string_view bytes) noexcept {
  switch (reply_.add(bytes)) {
    case ClamdReply::State::more:
      return Next::more;
    case ClamdReply::State::clean:
      return ended_ && filled_ == 0 ? Next::done : fail(ScanFault::answer);
    case ClamdReply::State::infected:
      infected_ = true;
      return Next::done;
    case ClamdReply::State::limit:
      return fail(ScanFault::limit);
    case ClamdReply::State::broken:
      break;
  }
  return fail(ScanFault::answer);
}

Instream::Next Instream::fail(ScanFault fault) noexcept {
  fault_ = fault;
  return Next::done;
}

Ping::Next Ping::opened() noexcept {
  *this = {};
  return Next::more;
}

Ping::Next Ping::said() noexcept {
  said_ = true;
  return Next::more;
}

Ping::Next Ping::hear(std::string_view bytes) noexcept {
  if (!kClamdPong.substr(heard_).starts_with(bytes)) {
    problem_ = "its answer to PING is not PONG";
    return Next::done;
  }
  heard_ += bytes.size();
  return heard_ == kClamdPong.size() ? Next::done : Next::more;
}

Ping::Next Ping::ended() noexcept {
  problem_ = "it did not answer PING";
  return Next::done;
}

}  // namespace guard::upload
