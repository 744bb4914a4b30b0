#include "ngx/config.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/ascii.h"

namespace guard::ngx {

void warn(ngx_conf_t* cf, const std::string& text) {
  ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%s", text.c_str());
}

namespace {

// What directives have named while this configuration is read.
struct NamedVariable {
  std::string_view name;
  Place place;
};
std::vector<NamedVariable> named_variables;

void name_variable(ngx_conf_t* cf, std::string_view name) {
  named_variables.push_back({name, place_of(cf)});
}

const ngx_http_core_main_conf_t& core_main(ngx_conf_t* cf) {
  return *static_cast<const ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
}

bool is_known(const ngx_http_core_main_conf_t& core, std::string_view name) {
  const ngx_array_t& keys = core.variables_keys->keys;
  const std::span made(static_cast<const ngx_hash_key_t*>(keys.elts), keys.nelts);
  const std::span prefixes(static_cast<const ngx_http_variable_t*>(core.prefix_variables.elts),
                           core.prefix_variables.nelts);
  return std::ranges::any_of(made,
                             [name](const ngx_hash_key_t& key) {
                               return core::equal_without_case(name, to_view(key.key));
                             }) ||
         std::ranges::any_of(prefixes, [name](const ngx_http_variable_t& prefix) {
           return core::equal_without_case(name.substr(0, prefix.name.len), to_view(prefix.name));
         });
}

void log_at(ngx_conf_t* cf, const Place& place, ngx_uint_t level, const std::string& text) {
  ngx_conf_file_t file = *cf->conf_file;
  file.file.name = place.file;
  file.line = place.line;
  ngx_conf_t there = *cf;
  there.conf_file = &file;
  ngx_conf_log_error(level, &there, 0, "%s", text.c_str());
}

}  // namespace

Place place_of(ngx_conf_t* cf) {
  return {cf->conf_file->file.name, cf->conf_file->line};
}

void warn(ngx_conf_t* cf, const Place& place, const std::string& text) {
  log_at(cf, place, NGX_LOG_WARN, text);
}

void notice(ngx_conf_t* cf, const Place& place, const std::string& text) {
  log_at(cf, place, NGX_LOG_NOTICE, text);
}

void fail(ngx_conf_t* cf, const Place& place, const std::string& text) {
  log_at(cf, place, NGX_LOG_EMERG, text);
  throw AlreadyLogged{};
}

void notice(ngx_conf_t* cf, const std::string& text) {
  ngx_conf_log_error(NGX_LOG_NOTICE, cf, 0, "%s", text.c_str());
}

std::string_view keep(ngx_conf_t* cf, std::string_view text) {
  ngx_str_t kept = copy(cf->pool, text);
  if (kept.data == nullptr) throw std::bad_alloc();
  return to_view(kept);
}

Value::Value(ngx_conf_t* cf, std::string_view text) : text_(keep(cf, text)) {
  compiled_ = static_cast<ngx_http_complex_value_t*>(
      ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t)));
  if (compiled_ == nullptr) throw std::bad_alloc();
  ngx_str_t source = borrow(text_);
  ngx_http_compile_complex_value_t compile{};
  compile.cf = cf;
  compile.value = &source;
  compile.complex_value = compiled_;
  if (ngx_http_compile_complex_value(&compile) != NGX_OK) throw AlreadyLogged{};
  for (const std::string_view name : variables_in(text_)) name_variable(cf, name);
}

std::optional<std::string_view> Value::evaluate(ngx_http_request_t* r) const noexcept {
  if (compiled_->lengths == nullptr) return to_view(compiled_->value);
  ngx_str_t value{};
  if (ngx_http_complex_value(r, compiled_, &value) != NGX_OK) return std::nullopt;
  return to_view(value);
}

std::vector<std::string_view> variables_in(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') continue;
    std::size_t start = i + 1;
    if (start < text.size() && text[start] == '{') ++start;
    std::size_t end = start;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) {
      ++end;
    }
    if (end > start) names.push_back(text.substr(start, end - start));
    i = end - 1;
  }
  return names;
}

void add_variable(ngx_conf_t* cf, std::string_view name, ngx_http_get_variable_pt get,
                  uintptr_t data, ngx_uint_t flags) {
  ngx_str_t kept = borrow(keep(cf, name));
  ngx_http_variable_t* variable = ngx_http_add_variable(cf, &kept, flags);
  if (variable == nullptr) throw AlreadyLogged{};
  // nginx refuses to define most variables twice, but not those of map, geo and set.
  if (variable->get_handler != nullptr) core::fail("the duplicate \"", name, "\" variable");
  variable->get_handler = get;
  variable->data = data;
}

void add_handler(ngx_conf_t* cf, ngx_http_phases phase, ngx_http_handler_pt handler) {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* slot = static_cast<ngx_http_handler_pt*>(ngx_array_push(&core->phases[phase].handlers));
  if (slot == nullptr) throw std::bad_alloc();
  *slot = handler;
}

ngx_int_t variable_index(ngx_conf_t* cf, std::string_view name) {
  ngx_str_t kept = borrow(keep(cf, name));
  ngx_int_t index = ngx_http_get_variable_index(cf, &kept);
  if (index == NGX_ERROR) throw AlreadyLogged{};
  name_variable(cf, to_view(kept));
  return index;
}

void forget_named_variables() noexcept {
  named_variables.clear();
}

void warn_of_unknown_variables(ngx_conf_t* cf) {
  const ngx_http_core_main_conf_t& core = core_main(cf);
  std::vector<std::string_view> told;
  for (const NamedVariable& one : named_variables) {
    const bool capture = one.name.size() == 1 && one.name[0] >= '1' && one.name[0] <= '9';
    if (capture || is_known(core, one.name) || std::ranges::count(told, one.name) != 0) continue;
    told.push_back(one.name);
    warn(cf, one.place, "nothing makes the variable \"$" + std::string(one.name) + "\"");
  }
  forget_named_variables();
}

bool is_indexed(ngx_conf_t* cf, std::string_view name) {
  const ngx_array_t& all = core_main(cf).variables;
  const std::span variables(static_cast<const ngx_http_variable_t*>(all.elts), all.nelts);
  return std::ranges::any_of(variables, [name](const ngx_http_variable_t& variable) {
    return core::equal_without_case(name, to_view(variable.name));
  });
}

bool is_derived_variable(ngx_conf_t* cf, std::string_view name) {
  // What directives may define anew is changeable, but so are some that nginx brings with it.
  constexpr std::array<std::string_view, 4> kOwn = {"args", "limit_rate", "modern_browser",
                                                    "ancient_browser"};
  auto is_name = [name](std::string_view own) { return core::equal_without_case(name, own); };
  if (core::equal_without_case(name.substr(0, 4), "ssl_") ||
      std::any_of(kOwn.begin(), kOwn.end(), is_name)) {
    return false;
  }
  const ngx_array_t& keys = core_main(cf).variables_keys->keys;
  for (const ngx_hash_key_t& key : std::span(static_cast<ngx_hash_key_t*>(keys.elts), keys.nelts)) {
    if (!core::equal_without_case(name, to_view(key.key))) continue;
    const auto& variable = *static_cast<const ngx_http_variable_t*>(key.value);
    // A named capture has no data; those of directives point to what they are made of.
    return (variable.flags & NGX_HTTP_VAR_CHANGEABLE) != 0 && variable.data != 0;
  }
  return false;
}

bool module_loaded(ngx_conf_t* cf, std::string_view name) {
  for (ngx_uint_t i = 0; cf->cycle->modules[i] != nullptr; ++i) {
    if (name == cf->cycle->modules[i]->name) return true;
  }
  return false;
}

void note_replaced(ngx_conf_t* cf, std::string_view directive, std::string_view names) {
  const auto* core_location = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  std::string text = "\"";
  text.append(directive).append("\" of ");
  if (core_location->name.len == 0) {
    text.append("a server");
  } else {
    text.append("location \"").append(to_view(core_location->name)).append("\"");
  }
  notice(cf, text.append(" replaces the inherited ").append(names));
}

std::string_view full_path(ngx_conf_t* cf, std::string_view path) {
  ngx_str_t name = borrow(keep(cf, path));
  if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) throw std::bad_alloc();
  return to_view(name);
}

std::string_view path_near(ngx_conf_t* cf, std::string_view path) {
  const std::string_view there = full_path(cf, path);
  ngx_file_info_t info;
  if (path.starts_with('/') || ngx_file_info(there.data(), &info) == 0) return there;
  std::string near(to_view(cf->conf_file->file.name));
  near.resize(near.rfind('/') + 1);
  near.append(path);
  return ngx_file_info(near.c_str(), &info) == 0 ? keep(cf, near) : there;
}

}  // namespace guard::ngx
