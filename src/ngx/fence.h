// The exception fence: every function whose address nginx stores is noexcept. Configuration code
// may throw; here that becomes one [emerg] line at the right file and line. Request code does not
// throw.
#pragma once

#include <exception>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "ngx/config.h"
#include "ngx/pool.h"
#include "ngx/strings.h"

namespace guard::ngx {

// Runs body and answers true, or logs what it threw as [emerg] and answers false.
template <class Body>
bool fenced(ngx_conf_t* cf, Body&& body) noexcept {
  try {
    body();
    return true;
  } catch (const AlreadyLogged&) {
    return false;
  } catch (const std::exception& error) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s", error.what());
  } catch (...) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unexpected error");
  }
  return false;
}

inline core::Words words_of(ngx_conf_t* cf) {
  std::vector<std::string_view> words;
  const auto* args = static_cast<const ngx_str_t*>(cf->args->elts);
  for (ngx_uint_t i = 0; i < cf->args->nelts; ++i) words.push_back(to_view(args[i]));
  return core::Words(std::move(words));
}

namespace detail {
template <class Conf>
Conf conf_of(void (*)(ngx_conf_t*, core::Words&, Conf&));
}

// The set function of an ngx_command_t out of `void setter(ngx_conf_t*, core::Words&, Conf&)`.
template <auto setter>
char* directive(ngx_conf_t* cf, ngx_command_t* /*command*/, void* conf) noexcept {
  using Conf = decltype(detail::conf_of(setter));
  bool ok = fenced(cf, [&] {
    core::Words words = words_of(cf);
    setter(cf, words, *static_cast<Conf*>(conf));
  });
  return ok ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

// create_main_conf, create_srv_conf, create_loc_conf.
template <class Conf>
void* create_conf(ngx_conf_t* cf) noexcept {
  void* conf = nullptr;
  bool ok = fenced(cf, [&] { conf = pool_new<Conf>(cf->pool); });
  return ok ? conf : nullptr;
}

// init_main_conf out of `void init(ngx_conf_t*, Conf&)`.
template <class Conf, void (*init)(ngx_conf_t*, Conf&)>
char* init_conf(ngx_conf_t* cf, void* conf) noexcept {
  bool ok = fenced(cf, [&] { init(cf, *static_cast<Conf*>(conf)); });
  return ok ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

// merge_srv_conf, merge_loc_conf out of `void merge(ngx_conf_t*, Conf& parent, Conf& child)`.
template <class Conf, void (*merge)(ngx_conf_t*, Conf&, Conf&)>
char* merge_conf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  bool ok = fenced(cf, [&] { merge(cf, *static_cast<Conf*>(parent), *static_cast<Conf*>(child)); });
  return ok ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

// preconfiguration, postconfiguration out of `void hook(ngx_conf_t*)`.
template <void (*hook)(ngx_conf_t*)>
ngx_int_t configuration(ngx_conf_t* cf) noexcept {
  return fenced(cf, [&] { hook(cf); }) ? NGX_OK : NGX_ERROR;
}

// command(ngx_string("guard_x"), ...)
inline ngx_command_t command(ngx_str_t name, ngx_uint_t type, ngx_uint_t conf_offset,
                             char* (*set)(ngx_conf_t*, ngx_command_t*, void*)) noexcept {
  return {name, type, set, conf_offset, 0, nullptr};
}

}  // namespace guard::ngx
