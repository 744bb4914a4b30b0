#include "core/event_ring.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/blank.h"

namespace guard::core {

struct alignas(64) EventRingHeader {
  std::uint64_t magic;
  std::uint64_t last;
};

struct alignas(64) EventRingSlot {
  static constexpr std::size_t kWords = EventRing::kLineMax / sizeof(std::uint64_t);

  // Of the line, doubled; odd: it is being written.
  std::uint64_t number;
  std::uint64_t size;
  std::uint64_t checksum;
  std::uint64_t words[kWords];
};

namespace {

constexpr std::uint64_t kMagic = 0x676e69527645'0001;  // with the version of the layout
// A place that somebody has begun to write so many lines ago is given to another one.
constexpr std::uint64_t kStuck = 2 * EventRing::kSlots;

std::uint64_t load(const std::uint64_t& word) noexcept {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

void store(std::uint64_t& word, std::uint64_t value) noexcept {
  __atomic_store_n(&word, value, __ATOMIC_RELAXED);
}

// FNV-1a over words: it is no secret, only a torn line must not pass for a whole one.
class Checksum {
 public:
  void add(std::uint64_t word) noexcept {
    value_ = (value_ ^ word) * 0x100000001b3;
    value_ ^= value_ >> 32;
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

constexpr std::size_t words_of(std::uint64_t size) {
  return (size + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
}

}  // namespace

std::size_t EventRing::bytes() noexcept {
  return sizeof(EventRingHeader) + kSlots * sizeof(EventRingSlot);
}

bool EventRing::attach(std::span<std::byte> memory) noexcept {
  if (memory.size() < bytes()) return false;
  header_ = reinterpret_cast<EventRingHeader*>(memory.data());
  slots_ = reinterpret_cast<EventRingSlot*>(memory.data() + sizeof(EventRingHeader));
  if (load(header_->magic) == kMagic) return true;
  blank(memory.first(bytes()));
  store(header_->magic, kMagic);
  return true;
}

EventRingSlot& EventRing::slot_of(std::uint64_t number) const noexcept {
  return slots_[number % kSlots];
}

std::uint64_t EventRing::last() const noexcept {
  return header_ == nullptr ? 0 : load(header_->last);
}

void EventRing::put(std::string_view line) noexcept {
  if (header_ == nullptr || line.empty() || line.size() > kLineMax) return;
  const std::uint64_t number = __atomic_add_fetch(&header_->last, 1, __ATOMIC_RELAXED);
  EventRingSlot& slot = slot_of(number);
  std::uint64_t seen = load(slot.number);
  const std::uint64_t held = seen >> 1;
  // Somebody later has been here already, or somebody is here.
  if (held >= number || ((seen & 1) != 0 && number - held < kStuck)) return;
  if (!__atomic_compare_exchange_n(&slot.number, &seen, number << 1 | 1, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_RELAXED)) {
    return;
  }
  __atomic_thread_fence(__ATOMIC_RELEASE);
  Checksum checksum;
  checksum.add(number);
  checksum.add(line.size());
  for (std::size_t i = 0; i < words_of(line.size()); ++i) {
    std::uint64_t word = 0;
    const std::string_view part = line.substr(i * sizeof(word), sizeof(word));
    std::memcpy(&word, part.data(), part.size());
    checksum.add(word);
    store(slot.words[i], word);
  }
  store(slot.size, line.size());
  store(slot.checksum, checksum.value());
  __atomic_store_n(&slot.number, number << 1, __ATOMIC_RELEASE);
}

bool EventRing::get(std::uint64_t number, std::string& line) const {
  if (header_ == nullptr || number == 0) return false;
  const EventRingSlot& slot = slot_of(number);
  if (__atomic_load_n(&slot.number, __ATOMIC_ACQUIRE) != number << 1) return false;
  const std::uint64_t size = load(slot.size);
  if (size == 0 || size > kLineMax) return false;
  Checksum checksum;
  checksum.add(number);
  checksum.add(size);
  line.resize(size);
  for (std::size_t i = 0; i < words_of(size); ++i) {
    const std::uint64_t word = load(slot.words[i]);
    checksum.add(word);
    const std::size_t at = i * sizeof(word);
    std::memcpy(line.data() + at, &word,
                std::min(sizeof(word), static_cast<std::size_t>(size) - at));
  }
  return checksum.value() == load(slot.checksum);
}

}  // namespace guard::core
