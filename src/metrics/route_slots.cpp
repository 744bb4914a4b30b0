#include "metrics/route_slots.h"

#include <charconv>
#include <optional>

#include "core/hex.h"

namespace guard::metrics {

namespace {

constexpr unsigned kMilliseconds = 3;  // decimals of seconds
// A writer that has not finished by then is dead.
constexpr std::uint64_t kStuck = 10'000;  // milliseconds

std::uint64_t load(const std::uint64_t& word) noexcept {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

void store(std::uint64_t& word, std::uint64_t value) noexcept {
  __atomic_store_n(&word, value, __ATOMIC_RELAXED);
}

void add(std::uint64_t& word, std::uint64_t amount) noexcept {
  __atomic_fetch_add(&word, amount, __ATOMIC_RELAXED);
}

}  // namespace

RouteTimes::RouteTimes(const std::vector<std::uint64_t>& bounds)
    : duration_(bounds, kMilliseconds),
      upstream_(bounds, kMilliseconds, duration_.end()),
      words_(static_cast<std::uint32_t>(upstream_.end() +
                                        ExemplarSlot::kWords * duration_.buckets())) {
  for (const std::uint64_t bound : bounds) fingerprint_.append(std::to_string(bound)).append(" ");
}

void RouteCounts::record(std::uint64_t* words, const RequestNumbers& numbers) noexcept {
  const std::size_t method = static_cast<std::size_t>(numbers.method);
  add(words[method * kStatusNames.size() + status_class(numbers.status)], 1);
  add(words[kBytesIn], numbers.bytes_in);
  add(words[kBytesOut], numbers.bytes_out);
}

std::size_t RouteTimes::record(std::uint64_t* words, const RequestNumbers& numbers) const noexcept {
  if (numbers.asked_upstream) upstream_.record(words, numbers.upstream_milliseconds);
  return duration_.record(words, numbers.milliseconds);
}

std::uint64_t* RouteTimes::exemplar(std::uint64_t* words, std::size_t bucket) const noexcept {
  return words + upstream_.end() + ExemplarSlot::kWords * bucket;
}

const std::uint64_t* RouteTimes::exemplar(const std::uint64_t* words,
                                          std::size_t bucket) const noexcept {
  return words + upstream_.end() + ExemplarSlot::kWords * bucket;
}

// Of the pairs of method and status most never occur: those that have not yet are left out. But the
// failures of a method that has occurred are there before the first: Prometheus sees no growth in
// what was not there, so a burst between two scrapes would be none to it.
void RouteCounts::write_requests(core::MetricText& out, std::string_view labels,
                                 const core::MetricBlock& block) {
  std::string all;
  for (std::size_t method = 0; method < kMethodNames.size(); ++method) {
    bool occurred = false;
    for (std::size_t status = 0; status < kStatusNames.size(); ++status) {
      const std::uint64_t count = block.sum(method * kStatusNames.size() + status);
      occurred = occurred || count != 0;
      if (count == 0 && !(occurred && status == status_class(500))) continue;
      all.assign(labels).append(",method=\"").append(kMethodNames[method]);
      all.append("\",status=\"").append(kStatusNames[status]).append("\"");
      out.sample(all, count);
    }
  }
}

void RouteCounts::write_bytes_in(core::MetricText& out, std::string_view labels,
                                 const core::MetricBlock& block) {
  out.sample(labels, block.sum(kBytesIn));
}

void RouteCounts::write_bytes_out(core::MetricText& out, std::string_view labels,
                                  const core::MetricBlock& block) {
  out.sample(labels, block.sum(kBytesOut));
}

void RouteTimes::write_duration(core::MetricText& out, std::string_view labels,
                                const core::MetricBlock& block) const {
  if (out.format() == core::MetricFormat::prometheus) return duration_.write(out, labels, block);
  core::Exemplar exemplar;
  std::string id;
  duration_.write(out, labels, block, [&](std::size_t bucket) -> const core::Exemplar* {
    ExemplarSlot::Content newest;
    block.each_lane([&](const std::uint64_t* words) {
      ExemplarSlot::Content content;
      if (!ExemplarSlot::get(this->exemplar(words, bucket), content)) return;
      if (content.timestamp_ms > newest.timestamp_ms) newest = content;
    });
    if (newest.timestamp_ms == 0) return nullptr;
    std::array<char, 32> digits;
    core::write_hex(newest.id[1], core::write_hex(newest.id[0], digits.data()));
    id.assign("request_id=\"").append(digits.data(), digits.size()).append("\"");
    exemplar = {id, newest.value, newest.timestamp_ms};
    return &exemplar;
  });
}

void RouteTimes::write_upstream_duration(core::MetricText& out, std::string_view labels,
                                         const core::MetricBlock& block) const {
  upstream_.write(out, labels, block);
}

bool ExemplarSlot::is_due(const std::uint64_t* words, std::uint64_t now_ms) noexcept {
  const std::uint64_t seen = load(words[0]);
  const std::uint64_t age = (seen & 1) != 0 ? kStuck : kLeastAge;
  // Or the clock has gone back meanwhile.
  return now_ms >= (seen >> 1) + age || (seen >> 1) > now_ms + kStuck;
}

void ExemplarSlot::put(std::uint64_t* words, const Content& content) noexcept {
  std::uint64_t seen = load(words[0]);
  if (!is_due(words, content.timestamp_ms)) return;
  const std::uint64_t busy = content.timestamp_ms << 1 | 1;
  if (!__atomic_compare_exchange_n(words, &seen, busy, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    return;
  }
  __atomic_thread_fence(__ATOMIC_RELEASE);
  store(words[1], content.id[0]);
  store(words[2], content.id[1]);
  store(words[3], content.value);
  __atomic_store_n(words, busy & ~std::uint64_t{1}, __ATOMIC_RELEASE);
}

bool ExemplarSlot::get(const std::uint64_t* words, Content& content) noexcept {
  const std::uint64_t before = __atomic_load_n(words, __ATOMIC_ACQUIRE);
  if (before == 0 || (before & 1) != 0) return false;
  content = {before >> 1, {load(words[1]), load(words[2])}, load(words[3])};
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return load(words[0]) == before;
}

bool parse_request_id(std::string_view text, std::array<std::uint64_t, 2>& id) noexcept {
  if (text.size() != 32) return false;
  for (std::size_t half = 0; half < 2; ++half) {
    const char* first = text.data() + 16 * half;
    const auto [end, error] = std::from_chars(first, first + 16, id[half], 16);
    if (error != std::errc{} || end != first + 16) return false;
  }
  return true;
}

}  // namespace guard::metrics
