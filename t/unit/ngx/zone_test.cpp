// Shared memory that survives reloads, and the interval timer.

#include <cstring>

#include "ngx/config.h"
#include "ngx/timer.h"
#include "ngx/zone.h"
#include "nginx_stub.h"

extern "C" ngx_module_t ngx_http_guard_module;

namespace {

using namespace guard;

int formatted = 0;
bool healthy = true;

void format(std::span<std::byte> memory, void* context) noexcept {
  ++formatted;
  assert_ptr_equal(context, &healthy);
  std::memset(memory.data(), 0x5a, memory.size());
}

bool adopt(std::span<std::byte> memory, void*) noexcept {
  return healthy && memory[0] == std::byte{0x5a};
}

ngx::Zone* add(stub::Conf& conf, std::size_t size, std::uint64_t layout) {
  stub::zone = {};
  stub::logged.clear();
  return ngx::Zone::add(conf.get(), "guard_zone", size, layout, format, adopt, &healthy);
}

void new_memory_is_laid_out(void**) {
  stub::Conf conf;
  formatted = 0;
  ngx::Zone* zone = add(conf, 1 << 16, 1);
  assert_int_equal(stub::run_init(1 << 16, nullptr), NGX_OK);
  assert_int_equal(formatted, 1);
  assert_true(zone->memory().size() >= (1 << 16) - 2 * 4096);
  assert_true(zone->name() == "guard_zone");
}

void inherited_memory_is_kept(void**) {
  stub::Conf conf;
  ngx::Zone* first = add(conf, 1 << 16, 1);
  stub::run_init(1 << 16, nullptr);
  formatted = 0;
  ngx::Zone* second = add(conf, 1 << 16, 1);
  assert_int_equal(stub::zone.init(&stub::zone, first), NGX_OK);
  assert_int_equal(formatted, 0);
  assert_ptr_equal(second->memory().data(), first->memory().data());
}

void damaged_memory_is_not_adopted(void**) {
  stub::Conf conf;
  ngx::Zone* first = add(conf, 1 << 16, 1);
  stub::run_init(1 << 16, nullptr);
  add(conf, 1 << 16, 1);
  healthy = false;
  stub::zone.shm.log = conf.get()->log;
  conf.get()->log->log_level = NGX_LOG_DEBUG;
  assert_int_equal(stub::zone.init(&stub::zone, first), NGX_ERROR);
  healthy = true;
  assert_int_equal(stub::logged.size(), 1);
}

void too_small_a_zone_is_an_error(void**) {
  stub::Conf conf;
  add(conf, 4096, 1);
  conf.get()->log->log_level = NGX_LOG_DEBUG;
  stub::zone.shm.log = conf.get()->log;
  assert_int_equal(stub::run_init(4096, nullptr), NGX_ERROR);
}

// A cycle that runs already, with one zone in its list.
struct Running {
  Running(ngx::Zone* zone, std::size_t size) {
    entry.shm.name = ngx::borrow("guard_zone");
    entry.shm.size = size;
    entry.tag = &ngx_http_guard_module;
    entry.data = zone;
    cycle.shared_memory.part.elts = &entry;
    cycle.shared_memory.part.nelts = 1;
    cycle.conf_ctx = reinterpret_cast<void****>(&entry);
  }
  ngx_shm_zone_t entry{};
  ngx_cycle_t cycle{};
};

void what_a_change_loses_is_said(void**) {
  stub::Conf conf;
  ngx::Zone* first = add(conf, 1 << 16, 1);
  Running running(first, 1 << 16);
  conf.cycle()->old_cycle = &running.cycle;

  add(conf, 1 << 17, 1);
  assert_int_equal(stub::logged.size(), 1);
  assert_string_equal(stub::logged[0].c_str(),
                      "notice: zone \"guard_zone\" is resized from 65536 to 131072 bytes, what it "
                      "held is lost");

  add(conf, 1 << 16, 2);
  assert_int_equal(stub::logged.size(), 1);
  assert_string_equal(stub::logged[0].c_str(),
                      "notice: zone \"guard_zone\" is laid out anew, what it held is lost");
  assert_int_equal(stub::zone.noreuse, 1);
  assert_int_equal(running.entry.noreuse, 1);

  add(conf, 1 << 16, 1);
  assert_int_equal(stub::logged.size(), 0);
  assert_int_equal(stub::zone.noreuse, 0);
  assert_int_equal(running.entry.noreuse, 0);
}

int ticks = 0;

void the_timer_repeats_until_stopped(void**) {
  stub::Conf conf;
  ngx::IntervalTimer timer;
  timer.start(
      500, [](void*) noexcept { ++ticks; }, nullptr);
  auto next_event = [] {
    return reinterpret_cast<ngx_event_t*>(reinterpret_cast<char*>(ngx_event_timer_rbtree.root) -
                                          offsetof(ngx_event_t, timer));
  };
  auto fire = [&] {
    ngx_event_t* event = next_event();
    assert_int_equal(event->cancelable, 1);
    event->timer_set = 0;
    event->handler(event);
  };
  fire();
  fire();
  assert_int_equal(ticks, 2);
  // Also in a worker that quits, which a cancelable one does not keep alive.
  ngx_exiting = 1;
  fire();
  fire();
  ngx_exiting = 0;
  assert_int_equal(ticks, 4);
  assert_int_equal(next_event()->timer_set, 1);
  timer.stop();
  assert_null(ngx_event_timer_rbtree.root);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(new_memory_is_laid_out),
      cmocka_unit_test(inherited_memory_is_kept),
      cmocka_unit_test(damaged_memory_is_not_adopted),
      cmocka_unit_test(too_small_a_zone_is_an_error),
      cmocka_unit_test(what_a_change_loses_is_said),
      cmocka_unit_test(the_timer_repeats_until_stopped),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
