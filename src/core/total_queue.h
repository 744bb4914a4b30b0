// What one worker tells Redis about keys, and asks it: one key at a time to whoever uses it, many
// in one call of the script. Memory for kMost keys is taken once; how many are told at a time is
// bounded by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/remote_total.h"

namespace guard::redis {
class Client;
}

namespace guard::core {

struct TotalAsk {
  const RemoteTotal* counter = nullptr;
  Hash128 hash;
  std::uint64_t number = 0;  // of the window
  TotalOffer offer;
  bool previous = false;  // also the total of the window before

  // Whoever asks has these back with the answer.
  std::size_t meter = 0;
  std::uint64_t window = 0;
  std::int64_t delta = 0;
  std::uint64_t told = 0;
  std::uint64_t told_at = 0;
};

// unsent: Redis does not know of it, for sure. unknown: it may.
enum class TotalOutcome : std::uint8_t { answered, unsent, unknown };

struct TotalAnswer {
  TotalOutcome outcome = TotalOutcome::answered;
  std::int64_t total = 0;
  std::optional<std::int64_t> previous;
};

class TotalQueue {
 public:
  static constexpr std::size_t kMost = 512;
  static constexpr std::size_t kMostKeys = 32;  // of one call, for which Redis answers nobody else

  // Called once for each ask(), never from within it; more may be asked from here.
  using Answered = void (*)(void* context, const TotalAsk& ask, const TotalAnswer& answer) noexcept;
  // Whether another process tells by now: then what is asked here and not written yet is not told
  // any more, since that one's floor may contain it, and its outcome is unknown.
  using Overtaken = bool (*)(void* context) noexcept;
  // asked_at: what the time here was, in microseconds; now: Redis's. Not called if it is not told.
  using Told = void (*)(void* context, std::uint64_t asked_at, std::uint64_t now) noexcept;

  // cluster: whether keys may live on different servers.
  TotalQueue(redis::Client& client, bool cluster, Answered answered, Overtaken overtaken, Told told,
             void* context) noexcept;
  TotalQueue(const TotalQueue&) = delete;
  TotalQueue& operator=(const TotalQueue&) = delete;
  ~TotalQueue();

  // In a worker, before anything is asked. False: out of memory.
  bool prepare() noexcept;
  // Whether there is any sense in asking.
  bool available() const noexcept;
  bool full() const noexcept;
  // Whether all that was asked has been answered; the time does not count.
  bool idle() const noexcept;
  bool asks_time() const noexcept;

  // Must not be full.
  void ask(const TotalAsk& ask) noexcept;
  // Nothing if it is asked already.
  void ask_time() noexcept;

 private:
  struct Item;
  struct State;

  redis::Client& client_;
  bool cluster_;
  Answered answered_;
  Overtaken overtaken_;
  Told told_;
  void* context_;
  std::unique_ptr<State> state_;
};

}  // namespace guard::core
