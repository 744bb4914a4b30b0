// What a directive may want from nginx while configuration is read. Everything here may throw.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "ngx/compat.h"
#include "ngx/pool.h"
#include "ngx/strings.h"

namespace guard::ngx {

// nginx itself has already logged why; the fence adds nothing.
struct AlreadyLogged {};

// Where a directive stands, for what can only be said of it once all have been read.
struct Place {
  ngx_str_t file{};
  ngx_uint_t line = 0;
};

Place place_of(ngx_conf_t* cf);

void warn(ngx_conf_t* cf, const std::string& text);
void warn(ngx_conf_t* cf, const Place& place, const std::string& text);
[[noreturn]] void fail(ngx_conf_t* cf, const Place& place, const std::string& text);
void notice(ngx_conf_t* cf, const std::string& text);
void notice(ngx_conf_t* cf, const Place& place, const std::string& text);

// A string in the configuration's pool.
std::string_view keep(ngx_conf_t* cf, std::string_view text);

// Text that may hold $variables.
class Value {
 public:
  Value() = default;
  Value(ngx_conf_t* cf, std::string_view text);

  explicit operator bool() const { return compiled_ != nullptr; }
  bool is_constant() const { return compiled_->lengths == nullptr; }
  std::string_view text() const { return text_; }
  // Pool memory of the request, or of the configuration where it is constant; nothing: out of
  // memory.
  std::optional<std::string_view> evaluate(ngx_http_request_t* r) const noexcept;

 private:
  std::string_view text_;
  ngx_http_complex_value_t* compiled_ = nullptr;
};

// The names of the variables that text uses: "$a/${b}" gives a, b.
std::vector<std::string_view> variables_in(std::string_view text);

// Adds a variable. get is an nginx variable handler; data goes to it.
void add_variable(ngx_conf_t* cf, std::string_view name, ngx_http_get_variable_pt get,
                  uintptr_t data = 0, ngx_uint_t flags = NGX_HTTP_VAR_NOCACHEABLE);
// Has nginx call handler in a phase, before those that modules of an earlier place add. In
// postconfiguration.
void add_handler(ngx_conf_t* cf, ngx_http_phases phase, ngx_http_handler_pt handler);
// The index of a variable for ngx_http_get_indexed_variable.
ngx_int_t variable_index(ngx_conf_t* cf, std::string_view name);
// nginx ends with `unknown "x" variable` if nothing makes one that a directive names, and does not
// say where: this does, with a [warn] for each that a Value or variable_index() has named. Once all
// directives have been read; before the first, those of a configuration that failed are forgotten.
void warn_of_unknown_variables(ngx_conf_t* cf);
void forget_named_variables() noexcept;
// Whether anything has asked for the index of a variable so far: a log format, a field, a
// directive.
bool is_indexed(ngx_conf_t* cf, std::string_view name);
// Whether a directive makes the variable of others (map, geo, set, split_clients, perl_set,
// auth_request_set and the like), as far as directives have been read. Those of nginx itself and
// named captures are not.
bool is_derived_variable(ngx_conf_t* cf, std::string_view name);
bool module_loaded(ngx_conf_t* cf, std::string_view name);

// A value for a variable; it must live as long as the request.
inline void set_variable(ngx_variable_value_t* v, std::string_view text) noexcept {
  v->len = static_cast<unsigned>(text.size());
  v->data = reinterpret_cast<u_char*>(const_cast<char*>(text.data()));
  v->valid = 1;
  v->no_cacheable = 0;
  v->not_found = 0;
}

// While locations are merged: a [notice] that what this one says of a directive takes the place of
// what it would have inherited, names.
void note_replaced(ngx_conf_t* cf, std::string_view directive, std::string_view names);

// A path relative to the configuration prefix, as nginx resolves it; NUL-terminated.
std::string_view full_path(ngx_conf_t* cf, std::string_view path);
// The same, but if there is nothing, and there is something of that name beside the file that the
// directive stands in, that: a policy can bring files of its own with it.
std::string_view path_near(ngx_conf_t* cf, std::string_view path);

}  // namespace guard::ngx
