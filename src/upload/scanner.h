// Has the files of one form scanned by clamd, one after the other, in nginx's event loop. The files
// come from the request's body, wherever nginx keeps it, piece by piece. For upload_module.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/event.h"
#include "core/request.h"
#include "ngx/outgoing.h"
#include "ngx/timer.h"
#include "upload/clamd.h"
#include "upload/file_facts.h"
#include "upload/scan_fault.h"
#include "upload/scan_policy.h"

namespace guard::upload {

class Scanner final : private ngx::Outgoing::Owner {
 public:
  // All must outlive this, or stop().
  Scanner(core::Request& request, const ScanPolicy& policy, const ngx::Endpoint& endpoint,
          const ngx::Route& route, FileFacts* files) noexcept;

  // Writes each file's verdict into its facts. A file that is infected is the last, and so is one
  // that could not be scanned where that refuses. The request is resumed when it is done, unless
  // that was so at once.
  void start() noexcept;
  bool done() const noexcept { return done_; }
  // Nobody waits any more.
  void stop() noexcept;

  // The file that refuses the form; null: none.
  const FileFacts* offender() const noexcept { return offender_; }
  // Of the last file that could not be scanned.
  ScanFault fault() const noexcept { return fault_; }

 private:
  static constexpr std::size_t kPiece = 32 * 1024;
  static constexpr int kPiecesATurn = 8;

  void opened() noexcept override { write(); }
  void readable() noexcept override;
  void writable() noexcept override { write(); }
  void broken() noexcept override { fail(ScanFault::unreachable, connection_.why()); }

  void begin() noexcept;
  void write() noexcept;
  bool fill() noexcept;
  void judge(ClamdReply::State state) noexcept;
  void fail(ScanFault fault, std::string_view why) noexcept;
  void settle(Scan scan) noexcept;
  void tell_failure() noexcept;

  core::Request& request_;
  const ScanPolicy& policy_;
  const ngx::Endpoint& endpoint_;
  const ngx::Route& route_;
  FileFacts* file_;
  const FileFacts* offender_ = nullptr;
  ngx::Outgoing connection_;
  ngx::Timer timer_;
  ClamdReply reply_;
  ScanFault fault_ = ScanFault::none;
  bool done_ = false;
  bool starting_ = false;
  bool beginning_ = false;  // within begin(): the loop there takes the next file
  bool again_ = false;
  bool ended_ = false;       // the piece of size 0 is in the buffer or sent
  std::uint64_t asked_ = 0;  // bytes of the file that went into the buffer
  std::size_t written_ = 0;  // of the buffer
  std::size_t filled_ = 0;
  std::array<char, kClamdCommand.size() + kClamdPieceHead + kPiece> buffer_;
};

inline Scanner::Scanner(core::Request& request, const ScanPolicy& policy,
                        const ngx::Endpoint& endpoint, const ngx::Route& route,
                        FileFacts* files) noexcept
    : request_(request),
      policy_(policy),
      endpoint_(endpoint),
      route_(route),
      file_(files),
      connection_(*this),
      timer_(
          [](void* self) noexcept {
            static_cast<Scanner*>(self)->fail(ScanFault::late, "no verdict in time");
          },
          this, true) {}

inline void Scanner::start() noexcept {
  timer_.start(static_cast<ngx_msec_t>(policy_.timeout.count()));
  starting_ = true;
  begin();
  starting_ = false;
}

inline void Scanner::stop() noexcept {
  done_ = true;
  timer_.stop();
  connection_.close();
}

// Files that have a verdict at once follow each other in a loop, not by recursion.
inline void Scanner::begin() noexcept {
  beginning_ = true;
  do {
    again_ = false;
    if (file_ == nullptr) {
      stop();
      break;
    }
    reply_ = {};
    asked_ = written_ = filled_ = 0;
    ended_ = false;
    if (file_->size > policy_.scan_max) {
      fail(ScanFault::size, {});
    } else if (!timer_.running()) {
      fail(ScanFault::late, {});
    } else {
      switch (connection_.open(endpoint_, route_)) {
        case ngx::Outgoing::Opening::opened:
          write();
          break;
        case ngx::Outgoing::Opening::pending:
          break;
        case ngx::Outgoing::Opening::failed:
          fail(ScanFault::unreachable, connection_.why());
          break;
      }
    }
  } while (again_);
  beginning_ = false;
  if (done_ && !starting_) request_.resume();
}

inline void Scanner::readable() noexcept {
  std::array<char, ClamdReply::kMax> bytes;
  for (;;) {
    const ssize_t size = connection_.read(bytes.data(), bytes.size());
    if (size < 0) return fail(ScanFault::broken, connection_.why());
    if (size == 0) break;
    const auto state = reply_.add({bytes.data(), static_cast<std::size_t>(size)});
    if (state != ClamdReply::State::more) return judge(state);
  }
  write();
}

// An answer to a part of the file is none to all of it, unless it is bad already.
inline void Scanner::judge(ClamdReply::State state) noexcept {
  const bool all = ended_ && written_ == filled_;
  if (state == ClamdReply::State::clean && all) return settle(Scan::clean);
  if (state == ClamdReply::State::infected) {
    file_->signature.keep(reply_.signature());
    return settle(Scan::infected);
  }
  if (state == ClamdReply::State::limit) {
    return fail(ScanFault::limit, "the file is over a limit of clamd");
  }
  fail(ScanFault::answer, "clamd answered with neither OK nor FOUND, or before it had all");
}

inline bool Scanner::fill() noexcept {
  written_ = filled_ = 0;
  if (asked_ == 0) {
    std::ranges::copy(kClamdCommand, buffer_.begin());
    filled_ = kClamdCommand.size();
  }
  const auto piece =
      static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, file_->size - asked_));
  write_piece_head(static_cast<std::uint32_t>(piece), buffer_.data() + filled_);
  filled_ += kClamdPieceHead;
  if (piece == 0) {
    ended_ = true;
    return true;
  }
  const auto copied = request_.copy_body(file_->offset + asked_, buffer_.data() + filled_, piece);
  if (!copied || *copied != piece) return false;
  filled_ += piece;
  asked_ += piece;
  return true;
}

inline void Scanner::write() noexcept {
  for (int pieces = 0;;) {
    if (written_ == filled_) {
      if (ended_) return;
      // Others have their turn in between.
      if (++pieces > kPiecesATurn) return connection_.read_later();
      if (!fill()) return fail(ScanFault::body, "the body could not be read again");
    }
    const ssize_t size =
        connection_.write(std::string_view(buffer_.data() + written_, filled_ - written_));
    if (size < 0) return fail(ScanFault::broken, connection_.why());
    if (size == 0) return;
    written_ += static_cast<std::size_t>(size);
  }
}

inline void Scanner::fail(ScanFault fault, std::string_view why) noexcept {
  fault_ = fault;
  if (!why.empty()) {
    ngx_log_error(NGX_LOG_ERR, request_.native()->connection->log, 0, "guard_upload_scan: %*s",
                  why.size(), why.data());
  }
  settle(Scan::failed);
}

inline void Scanner::settle(Scan scan) noexcept {
  connection_.close();
  file_->scan = scan;
  if (scan == Scan::infected || (scan == Scan::failed && policy_.on_error == OnError::refuse)) {
    offender_ = file_;
    file_ = nullptr;
  } else {
    if (scan == Scan::failed) tell_failure();
    file_ = file_->next;
  }
  again_ = true;
  if (!beginning_) begin();
}

inline void Scanner::tell_failure() noexcept {
  const core::EventFile file = file_->event();
  core::Event event;
  event.kind = core::EventKind::scan_failed;
  event.action = core::Action::allowed;
  event.code = "upload.scan";
  event.detail = explain(fault_);
  event.file = &file;
  request_.publish(event);
}

}  // namespace guard::upload
