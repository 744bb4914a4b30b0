#include "metrics/session_sketch.h"

#include <algorithm>
#include <string_view>

namespace guard::metrics {

namespace {

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

void write_redis_sketch(const Registers& registers,
                        std::span<char, kRedisSketchSize> out) noexcept {
  constexpr std::string_view kHead("HYLL\0\0\0\0\0\0\0\0\0\0\0\x80", 16);
  char* at = std::copy(kHead.begin(), kHead.end(), out.data());
  for (std::size_t i = 0; i < Sketch::kRegisters; i += 4) {
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
