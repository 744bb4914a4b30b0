#include "metrics/session_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>

namespace guard::metrics {

namespace {

constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)

// The two series of Ertl's section 4, by which registers that are full, or empty, count.
double tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  } while (before != z);
  return z / 3;
}

double sigma(double x) noexcept {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

constexpr std::string_view kText = R"lua(
local memory, scratch = table.remove(KEYS), table.remove(KEYS)
local life = ARGV[1]
redis.call('SET', memory, ARGV[2], 'PX', life, 'NX')
redis.call('PEXPIRE', memory, life)
for i = 3, #ARGV, 2 do
  local key = KEYS[tonumber(ARGV[i])]
  redis.call('SET', scratch, ARGV[i + 1], 'PX', life)
  redis.call('PFMERGE', key, scratch)
  redis.call('PEXPIRE', key, life)
end
if #ARGV > 2 then redis.call('DEL', scratch) end
return {redis.call('PFCOUNT', unpack(KEYS)), tonumber(redis.call('GET', memory))}
)lua";

}  // namespace

SketchPlace place_of(std::uint64_t hash) noexcept {
  const std::size_t index = hash & (kRegisters - 1);
  // The end stop makes the rank of what is all zeros the highest.
  const std::uint64_t rest = hash >> kSketchBits | std::uint64_t{1} << (64 - kSketchBits);
  return {index, static_cast<std::uint8_t>(std::countr_zero(rest) + 1)};
}

std::uint64_t estimate(const Registers& registers) noexcept {
  std::array<std::uint32_t, kMaxRank + 1> counts{};
  for (const std::uint8_t rank : registers) ++counts[std::min(rank, kMaxRank)];
  constexpr double kM = kRegisters;
  double z = kM * tau((kM - counts[kMaxRank]) / kM);
  for (std::size_t rank = kMaxRank - 1; rank >= 1; --rank) z = (z + counts[rank]) / 2;
  z += kM * sigma(counts[0] / kM);
  return static_cast<std::uint64_t>(std::llround(kAlpha * kM * kM / z));
}

void write_redis_sketch(const Registers& registers,
                        std::span<char, kRedisSketchSize> out) noexcept {
  constexpr std::string_view kHead("HYLL\0\0\0\0\0\0\0\0\0\0\0\x80", 16);
  char* at = std::copy(kHead.begin(), kHead.end(), out.data());
  for (std::size_t i = 0; i < kRegisters; i += 4) {
    const std::uint32_t four = registers[i] | std::uint32_t{registers[i + 1]} << 6U |
                               std::uint32_t{registers[i + 2]} << 12U |
                               std::uint32_t{registers[i + 3]} << 18U;
    *at++ = static_cast<char>(four & 0xff);
    *at++ = static_cast<char>(four >> 8U & 0xff);
    *at++ = static_cast<char>(four >> 16U & 0xff);
  }
}

const core::CounterScript& session_script() {
  static const core::CounterScript script(kText);
  return script;
}

}  // namespace guard::metrics
