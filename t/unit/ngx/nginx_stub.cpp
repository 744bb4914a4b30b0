#include "nginx_stub.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>

namespace stub {

std::vector<std::string> logged;
long allocations_left = -1;
ngx_shm_zone_t zone;

namespace {

ngx_log_t everything = [] {
  ngx_log_t log{};
  log.log_level = NGX_LOG_DEBUG;
  return log;
}();
ngx_cycle_t running = [] {
  ngx_cycle_t cycle{};
  cycle.log = &everything;
  return cycle;
}();
std::vector<ngx_rbtree_node_t*> timers;

std::map<ngx_pool_t*, std::vector<void*>> memory_of;
std::vector<std::uint8_t> zone_memory;

void* allocate(ngx_pool_t* pool, std::size_t size) {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) --allocations_left;
  void* memory = std::malloc(size == 0 ? 1 : size);
  memory_of[pool].push_back(memory);
  return memory;
}

const char* const kLevels[] = {"stderr", "emerg",  "alert", "crit", "error",
                               "warn",   "notice", "info",  "debug"};

}  // namespace

Pool::Pool() {
  memory_of[&pool_];
}

Pool::~Pool() {
  for (ngx_pool_cleanup_t* c = pool_.cleanup; c != nullptr; c = c->next) {
    if (c->handler != nullptr) c->handler(c->data);
  }
  for (void* memory : memory_of[&pool_]) std::free(memory);
  memory_of.erase(&pool_);
}

Conf::Conf(std::vector<const char*> words) {
  for (const char* word : words) {
    words_.push_back({std::strlen(word), reinterpret_cast<u_char*>(const_cast<char*>(word))});
  }
  args_.elts = words_.data();
  args_.nelts = words_.size();
  cycle_.log = &log_;
  cycle_.pool = pool_.get();
  cf_.args = &args_;
  cf_.cycle = &cycle_;
  cf_.pool = pool_.get();
  cf_.log = &log_;
  cf_.conf_file = &file_;
}

ngx_int_t run_init(std::size_t size, void* old_data) {
  zone_memory.assign(size, 0);
  auto* slab = reinterpret_cast<ngx_slab_pool_t*>(zone_memory.data());
  zone.shm.addr = zone_memory.data();
  zone.shm.size = size;
  slab->pfree = (size - sizeof(ngx_slab_pool_t)) >> ngx_pagesize_shift;
  return zone.init(&zone, old_data);
}

bool run_timer(ngx_msec_t until) {
  auto first =
      std::ranges::min_element(timers, {}, [](ngx_rbtree_node_t* one) { return one->key; });
  if (first == timers.end() || (*first)->key > until) return false;
  ngx_rbtree_node_t* node = *first;
  auto* event =
      reinterpret_cast<ngx_event_t*>(reinterpret_cast<char*>(node) - offsetof(ngx_event_t, timer));
  if (node->key > ngx_current_msec) ngx_current_msec = node->key;
  ngx_rbtree_delete(&ngx_event_timer_rbtree, node);
  event->timer_set = 0;
  event->timedout = 1;
  event->handler(event);
  while (!ngx_queue_empty(&ngx_posted_events)) {
    event = ngx_queue_data(ngx_queue_head(&ngx_posted_events), ngx_event_t, queue);
    ngx_delete_posted_event(event);
    event->handler(event);
  }
  return true;
}

bool waited_for() {
  return std::ranges::any_of(timers, [](ngx_rbtree_node_t* node) {
    return !reinterpret_cast<ngx_event_t*>(reinterpret_cast<char*>(node) -
                                           offsetof(ngx_event_t, timer))
                ->cancelable;
  });
}

}  // namespace stub

extern "C" {

ngx_module_t ngx_http_guard_module;
ngx_module_t ngx_http_core_module;
ngx_uint_t ngx_pagesize_shift = 12;
volatile ngx_msec_t ngx_current_msec;
ngx_uint_t ngx_exiting;
ngx_uint_t ngx_process;
volatile ngx_cycle_t* ngx_cycle = &stub::running;
ngx_rbtree_t ngx_event_timer_rbtree;
ngx_queue_t ngx_posted_events = {&ngx_posted_events, &ngx_posted_events};

void* ngx_palloc(ngx_pool_t* pool, size_t size) {
  return stub::allocate(pool, size);
}
void* ngx_pnalloc(ngx_pool_t* pool, size_t size) {
  return stub::allocate(pool, size);
}
void* ngx_pcalloc(ngx_pool_t* pool, size_t size) {
  void* memory = stub::allocate(pool, size);
  if (memory != nullptr) std::memset(memory, 0, size);
  return memory;
}

ngx_pool_cleanup_t* ngx_pool_cleanup_add(ngx_pool_t* pool, size_t size) {
  auto* c = static_cast<ngx_pool_cleanup_t*>(stub::allocate(pool, sizeof(ngx_pool_cleanup_t)));
  if (c == nullptr) return nullptr;
  c->data = size == 0 ? nullptr : stub::allocate(pool, size);
  if (size != 0 && c->data == nullptr) return nullptr;
  c->handler = nullptr;
  c->next = pool->cleanup;
  pool->cleanup = c;
  return c;
}

void ngx_conf_log_error(ngx_uint_t level, ngx_conf_t*, ngx_err_t, const char* fmt, ...) {
  va_list args;
  va_start(args, fmt);
  const char* text = va_arg(args, const char*);
  va_end(args);
  stub::logged.push_back(std::string(stub::kLevels[level]) + ": " +
                         (std::strcmp(fmt, "%s") == 0 ? text : fmt));
}

// Of nginx's own formats it knows "%*s".
void ngx_log_error_core(ngx_uint_t level, ngx_log_t*, ngx_err_t, const char* fmt, ...) {
  std::string text;
  va_list args;
  va_start(args, fmt);
  for (std::string_view rest = fmt; !rest.empty();) {
    const std::size_t plain = rest.find("%*s");
    text += rest.substr(0, plain);
    if (plain == std::string_view::npos) break;
    const auto size = va_arg(args, std::size_t);
    text.append(va_arg(args, const char*), size);
    rest.remove_prefix(plain + 3);
  }
  va_end(args);
  stub::logged.push_back(std::string(stub::kLevels[level]) + ": " + text);
}

// A value with a variable is one that holds a '$'; an unknown one is named $unknown.
ngx_int_t ngx_http_compile_complex_value(ngx_http_compile_complex_value_t* ccv) {
  std::string text(reinterpret_cast<char*>(ccv->value->data), ccv->value->len);
  if (text.find("$unknown") != std::string::npos) {
    ngx_conf_log_error(NGX_LOG_EMERG, ccv->cf, 0, "unknown variable");
    return NGX_ERROR;
  }
  ccv->complex_value->value = *ccv->value;
  if (text.find('$') != std::string::npos) ccv->complex_value->lengths = &stub::zone;
  return NGX_OK;
}

ngx_int_t ngx_http_complex_value(ngx_http_request_t* r, ngx_http_complex_value_t* val,
                                 ngx_str_t* value) {
  if (r == nullptr) return NGX_ERROR;
  *value = val->value;
  return NGX_OK;
}

ngx_http_variable_t* ngx_http_add_variable(ngx_conf_t*, ngx_str_t*, ngx_uint_t) {
  return nullptr;
}
ngx_int_t ngx_http_get_variable_index(ngx_conf_t*, ngx_str_t*) {
  return NGX_ERROR;
}
void* ngx_array_push(ngx_array_t*) {
  return nullptr;
}
ngx_int_t ngx_conf_full_name(ngx_cycle_t*, ngx_str_t*, ngx_uint_t) {
  return NGX_OK;
}

ngx_shm_zone_t* ngx_shared_memory_add(ngx_conf_t*, ngx_str_t* name, size_t size, void* tag) {
  stub::zone.shm.name = *name;
  stub::zone.shm.size = size;
  stub::zone.tag = tag;
  return &stub::zone;
}

void* ngx_slab_alloc(ngx_slab_pool_t* pool, size_t size) {
  return size > pool->pfree << ngx_pagesize_shift
             ? nullptr
             : reinterpret_cast<u_char*>(pool) + 4096 - sizeof(ngx_slab_pool_t) % 8;
}

// The root is the last one that was inserted, or null if there is none.
void ngx_rbtree_insert(ngx_rbtree_t* tree, ngx_rbtree_node_t* node) {
  stub::timers.push_back(node);
  tree->root = node;
}
void ngx_rbtree_delete(ngx_rbtree_t* tree, ngx_rbtree_node_t* node) {
  std::erase(stub::timers, node);
  tree->root = stub::timers.empty() ? nullptr : stub::timers.back();
}
}
