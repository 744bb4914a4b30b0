// What a limiter has to do with the totals of all nodes.
#include "rate/limiter.h"

namespace guard::rate {

using core::CounterKey;

void Limiter::note(const core::Hash128& hash, std::uint64_t window, std::int64_t amount,
                   std::uint64_t now) noexcept {
  deltas_->add(hash, window, amount, [&](std::uint64_t other, std::uint64_t of) noexcept {
    return is_worthless(other, of, now);
  });
}

bool Limiter::is_worthless(std::uint64_t hash, std::uint64_t window,
                           std::uint64_t now) const noexcept {
  if (!quota_.has_windows()) return table_->peek(hash) <= gcra_.units(now);
  const core::WindowClock& clock = sliding_.clock();
  std::uint64_t behind =
      (clock.number_at(now, clock.phase_of(hash)) - window) & core::WindowClock::kIndexMask;
  return behind != core::WindowClock::kIndexMask && behind > (is_sliding() ? 1 : 0);
}

Limiter::Taken Limiter::take_delta(const core::Change& change) noexcept {
  Taken taken;
  taken.delta = deltas_->take(change.hash.low, change.window,
                              [&]() noexcept { taken.state = table_->peek(change.hash.low); });
  return taken;
}

void Limiter::put_back(const core::Change& change, std::uint64_t now,
                       std::uint64_t ahead) noexcept {
  note(change.hash, change.window, change.delta, quota_.has_windows() ? now + ahead : now);
}

std::optional<Limiter::Offer> Limiter::offer(const core::Change& change, std::uint64_t state,
                                             std::uint64_t now, std::uint64_t ahead,
                                             std::uint64_t late) const noexcept {
  Offer offer;
  if (!quota_.has_windows()) {
    static_cast<core::TotalOffer&>(offer) =
        core::GcraTotal(gcra_, late).offer(state, change.delta, now, ahead);
    offer.told = state;
    return offer;
  }
  const core::WindowClock& clock = sliding_.clock();
  auto made =
      core::WindowTotal(clock, is_sliding())
          .offer(state, change.window, change.delta, now + ahead, clock.phase_of(change.hash.low));
  if (!made) return std::nullopt;
  static_cast<core::TotalOffer&>(offer) = *made;
  offer.number = made->number;
  offer.told = made->count;
  return offer;
}

void Limiter::merge(const core::Change& change, std::uint64_t told, std::uint64_t told_at,
                    std::int64_t total, std::optional<std::int64_t> previous, std::uint64_t now,
                    std::uint64_t ahead) noexcept {
  CounterKey key{change.hash.low, 0};
  auto unused = [](std::uint64_t, std::uint64_t) noexcept { return std::uint64_t{0}; };
  auto merged = [&](std::uint64_t state) noexcept {
    // A key that is not known here any more is not made up: nobody knows its network.
    if (state == 0) return state;
    std::int64_t pending = deltas_->settled(change.hash.low, change.window);
    if (!quota_.has_windows()) {
      return core::GcraTotal(gcra_, 0).merge(state, told, told_at, pending, total, now, ahead);
    }
    const core::WindowClock& clock = sliding_.clock();
    return core::WindowTotal(clock, is_sliding())
        .merge(state, change.window, told, pending, total, previous, now + ahead,
               clock.phase_of(change.hash.low));
  };
  table_->update(key, unused, merged);
}

}  // namespace guard::rate
