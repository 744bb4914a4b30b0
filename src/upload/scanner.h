// Has the files of one form scanned by clamd, one after the other. The files come from the
// request's body, wherever nginx keeps it, piece by piece.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/event.h"
#include "core/request.h"
#include "core/service.h"
#include "upload/clamd_dialogue.h"
#include "upload/file_facts.h"
#include "upload/scan_fault.h"
#include "upload/scan_policy.h"

namespace guard::upload {

class Scanner final : private core::ServiceCall::Owner {
 public:
  // What came of a file; complaint: what a log should say of that, or nothing.
  using Settled = void (*)(void* context, core::Request& request, Scan scan,
                           std::string_view complaint) noexcept;

  // All must outlive this, or stop(). The time of the policy begins.
  Scanner(core::Request& request, const ScanPolicy& policy, core::Service& service,
          FileFacts* files, Settled settled, void* context) noexcept;

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
  static bool copy(void* self, std::uint64_t offset, char* to, std::size_t size) noexcept;

  void turned(Turn turn) noexcept override;
  void talked(std::string_view why, bool late) noexcept override;

  void go_on() noexcept;
  void begin() noexcept;
  void talk() noexcept;
  void fail(ScanFault fault, std::string_view complaint = {}) noexcept;
  void settle(Scan scan, std::string_view complaint) noexcept;
  void tell_failure() noexcept;

  core::Request& request_;
  const ScanPolicy& policy_;
  FileFacts* file_;
  const FileFacts* offender_ = nullptr;
  Settled settled_;
  void* context_;
  core::ServiceCall call_;
  Instream instream_;
  ScanFault fault_ = ScanFault::none;
  bool done_ = false;
  bool starting_ = false;
  bool going_on_ = false;  // within go_on(): the loop there takes the next file
  bool again_ = false;
};

inline Scanner::Scanner(core::Request& request, const ScanPolicy& policy, core::Service& service,
                        FileFacts* files, Settled settled, void* context) noexcept
    : request_(request),
      policy_(policy),
      file_(files),
      settled_(settled),
      context_(context),
      call_(service, policy.timeout, *this),
      instream_(copy, this) {}

inline bool Scanner::copy(void* self, std::uint64_t offset, char* to, std::size_t size) noexcept {
  const auto copied = static_cast<Scanner*>(self)->request_.copy_body(offset, to, size);
  return copied && *copied == size;
}

inline void Scanner::start() noexcept {
  starting_ = true;
  go_on();
  starting_ = false;
}

inline void Scanner::stop() noexcept {
  done_ = true;
  call_.leave();
}

// Files that have a verdict at once follow each other in a loop, not by recursion.
inline void Scanner::go_on() noexcept {
  going_on_ = true;
  do {
    again_ = false;
    file_ == nullptr ? stop() : begin();
  } while (again_);
  going_on_ = false;
  if (done_ && !starting_) request_.resume();
}

inline void Scanner::begin() noexcept {
  using Entry = core::ServiceCall::Entry;
  if (file_->size > policy_.scan_max) return fail(ScanFault::size);
  if (call_.has_turn()) {
    if (call_.late()) return fail(ScanFault::late);
    return call_.service().available() ? talk() : fail(ScanFault::away);
  }
  switch (call_.enter()) {
    case Entry::taken:
      return talk();
    case Entry::waiting:
      return;
    case Entry::full:
      return fail(ScanFault::busy, explain(ScanFault::busy));
    case Entry::away:
      return fail(ScanFault::away);
    case Entry::late:
      return fail(ScanFault::late);
  }
}

inline void Scanner::turned(Turn turn) noexcept {
  switch (turn) {
    case Turn::come:
      return talk();
    case Turn::away:
      return fail(ScanFault::away);
    case Turn::late:
      return fail(ScanFault::busy, explain(ScanFault::busy));
  }
}

inline void Scanner::talk() noexcept {
  instream_.begin(file_->offset, file_->size);
  call_.talk(instream_);
}

inline void Scanner::talked(std::string_view why, bool late) noexcept {
  ScanFault fault = instream_.fault();
  if (!why.empty()) {
    fault = instream_.reached() ? ScanFault::broken : ScanFault::unreachable;
    if (late) fault = ScanFault::late;
  }
  if (of_scanner(fault)) {
    call_.service().failed();
  } else if (fault != ScanFault::body) {
    call_.service().succeeded();
  }
  if (fault != ScanFault::none) return fail(fault, why.empty() ? explain(fault) : why);
  if (!instream_.infected()) return settle(Scan::clean, {});
  file_->signature.keep(instream_.signature());
  settle(Scan::infected, {});
}

inline void Scanner::fail(ScanFault fault, std::string_view complaint) noexcept {
  fault_ = fault;
  settle(Scan::failed, complaint);
}

inline void Scanner::settle(Scan scan, std::string_view complaint) noexcept {
  file_->scan = scan;
  settled_(context_, request_, scan, complaint);
  if (scan == Scan::infected || (scan == Scan::failed && policy_.on_error == OnError::refuse)) {
    offender_ = file_;
    file_ = nullptr;
  } else {
    if (scan == Scan::failed) tell_failure();
    file_ = file_->next;
  }
  again_ = true;
  if (!going_on_) go_on();
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
