// The dialogues with clamd, free of how the bytes travel: the scan of one file, and whether it is
// there at all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/dialogue.h"
#include "upload/clamd.h"
#include "upload/scan_fault.h"

namespace guard::upload {

// One file, piece by piece.
class Instream final : public core::Dialogue {
 public:
  static constexpr std::size_t kPiece = 32 * 1024;

  // Copies size bytes of the body from offset on; false: they cannot be had.
  using Copy = bool (*)(void* context, std::uint64_t offset, char* to, std::size_t size) noexcept;

  Instream(Copy copy, void* context) noexcept : copy_(copy), context_(context) {}

  // Where the next file is in the body.
  void begin(std::uint64_t offset, std::uint64_t size) noexcept;

  // A connection stood.
  bool reached() const noexcept { return reached_; }
  // Once it is over; none: there is a verdict.
  ScanFault fault() const noexcept { return fault_; }
  bool infected() const noexcept { return infected_; }
  // What of; bytes of the scanner's.
  std::string_view signature() const noexcept { return reply_.signature(); }

  std::string_view say() const noexcept override { return {buffer_.data(), filled_}; }
  Next said() noexcept override;
  Next opened() noexcept override;
  Next hear(std::string_view bytes) noexcept override;
  Next ended() noexcept override { return fail(ScanFault::broken); }

 private:
  Next fill() noexcept;
  Next fail(ScanFault fault) noexcept;

  Copy copy_;
  void* context_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t asked_ = 0;  // bytes of the file that went into the buffer
  std::size_t filled_ = 0;   // of the buffer
  bool reached_ = false;
  bool ended_ = false;  // the piece of size 0 is in the buffer or sent
  bool infected_ = false;
  ScanFault fault_ = ScanFault::none;
  ClamdReply reply_;
  std::array<char, kClamdCommand.size() + kClamdPieceHead + kPiece> buffer_;
};

// "zPING", to which the answer is exactly "PONG".
class Ping final : public core::Probe {
 public:
  std::string_view problem() const noexcept override { return problem_; }

  std::string_view say() const noexcept override { return said_ ? std::string_view{} : kClamdPing; }
  Next said() noexcept override;
  Next opened() noexcept override;
  Next hear(std::string_view bytes) noexcept override;
  Next ended() noexcept override;

 private:
  bool said_ = false;
  std::size_t heard_ = 0;  // bytes of the answer, all as they must be
  std::string_view problem_;
};

}  // namespace guard::upload
