// As much of nginx as src/ngx needs to be tried without one: memory that is counted, log lines that
// are kept, and a configuration that is being read.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <csetjmp>
extern "C" {
#include <cmocka.h>
}

#include <string>
#include <vector>

#include "ngx/compat.h"

#undef fail  // cmocka's macro; core::fail is meant

namespace stub {

// What was logged while a configuration was read or a zone was made, "emerg: text".
extern std::vector<std::string> logged;
// Allocations that still succeed; -1: all.
extern long allocations_left;

// A pool whose memory and cleanups end with this object.
class Pool {
 public:
  Pool();
  ~Pool();
  ngx_pool_t* get() { return &pool_; }

 private:
  ngx_pool_t pool_{};
};

// A configuration with the given words as the directive being read.
class Conf {
 public:
  explicit Conf(std::vector<const char*> words = {});
  ngx_conf_t* get() { return &cf_; }
  ngx_cycle_t* cycle() { return &cycle_; }

 private:
  Pool pool_;
  ngx_cycle_t cycle_{};
  ngx_log_t log_{};
  ngx_array_t args_{};
  std::vector<ngx_str_t> words_;
  ngx_conf_file_t file_{};
  ngx_conf_t cf_{};
};

// The one shared zone that a test may add; run_init plays the part of nginx at the end of a
// configuration.
extern ngx_shm_zone_t zone;
ngx_int_t run_init(std::size_t size, void* old_data);

// Time goes on until the first timer fires. False: there is none that does until then.
bool run_timer(ngx_msec_t until = static_cast<ngx_msec_t>(-1));
// Whether some timer keeps a quitting worker alive.
bool waited_for();

}  // namespace stub
