#include "core/node.h"

#include <openssl/rand.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <new>

#include "core/core_config.h"
#include "core/zone_metrics.h"
#include "ngx/timer.h"

namespace guard::core {

struct NodeMemory {
  static constexpr std::uint64_t kMagic = 0x33646f4e47ULL;  // "GNod3"
  std::uint64_t magic;
  std::uint8_t key[16];
  std::atomic<std::uint32_t> break_glass;
  std::atomic<std::uint64_t> configuration;  // the last of which a worker has begun
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

namespace {

constexpr std::size_t kZoneSize = 32 * 1024;
constexpr ngx_msec_t kBreakGlassInterval = 500;

void format(std::span<std::byte> memory, void* /*context*/) noexcept {
  auto* node = new (memory.data()) NodeMemory{};
  node->magic = NodeMemory::kMagic;
  if (RAND_bytes(node->key, sizeof(node->key)) != 1) {
    // Without randomness from OpenSSL the keys of clients could be guessed.
    ngx_log_error(NGX_LOG_EMERG, ngx_cycle->log, 0, "no random bytes for the key of client hashes");
    std::abort();
  }
}

bool adopt(std::span<std::byte> memory, void* /*context*/) noexcept {
  return memory.size() >= sizeof(NodeMemory) &&
         reinterpret_cast<NodeMemory*>(memory.data())->magic == NodeMemory::kMagic;
}

bool file_is_there = false;
ngx::IntervalTimer watch_timer;

void look_for_file(void* context) noexcept {
  auto* conf = static_cast<MainConf*>(context);
  struct stat status {};
  file_is_there = ::stat(conf->break_glass_file.data(), &status) == 0;
  // One that quits looks for the file of its own configuration, which may not be that of others.
  if (ngx_exiting != 0 || !conf->node->change_break_glass(file_is_there)) return;
  Event event;
  event.kind = EventKind::break_glass;
  event.severity = file_is_there ? Severity::critical : Severity::notice;
  event.detail = file_is_there ? "break glass is in force, everything only observes"
                               : "break glass is over, the configured modes are in force";
  publish(event);
}

}  // namespace

Node::Node(ngx_conf_t* cf)
    : zone_(ngx::Zone::add(cf, "guard_node", kZoneSize, NodeMemory::kMagic ^ sizeof(NodeMemory),
                           format, adopt, nullptr)) {
  add_zone_metrics(cf, *zone_, sizeof(NodeMemory));
}

NodeMemory* Node::memory() const noexcept {
  return reinterpret_cast<NodeMemory*>(zone_->memory().data());
}

std::array<std::uint8_t, 16> Node::drawn_key() const noexcept {
  std::array<std::uint8_t, 16> key;
  std::memcpy(key.data(), memory()->key, key.size());
  return key;
}

bool Node::change_break_glass(bool active) noexcept {
  std::uint32_t before = active ? 0 : 1;
  return memory()->break_glass.compare_exchange_strong(before, active ? 1 : 0);
}

bool Node::claim_configuration(std::uint64_t number) noexcept {
  std::uint64_t before = memory()->configuration.load();
  return before != number && memory()->configuration.compare_exchange_strong(before, number);
}

bool break_glass() noexcept {
  return file_is_there;
}

void watch_break_glass(ngx_cycle_t* cycle) noexcept {
  file_is_there = false;
  watch_timer.stop();
  MainConf* conf = main_conf(cycle);
  if (conf == nullptr || conf->break_glass_file.empty()) return;
  look_for_file(conf);
  watch_timer.start(kBreakGlassInterval, look_for_file, conf);
}

void stop_watching() noexcept {
  watch_timer.stop();
}

}  // namespace guard::core
