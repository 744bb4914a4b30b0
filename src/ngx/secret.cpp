#include "ngx/secret.h"

#include <string>
#include <utility>

#include "ngx/config.h"
#include "ngx/strings.h"

namespace guard::ngx {

namespace {

bool passed_on(ngx_conf_t* cf, std::string_view variable) noexcept {
  const auto* core_conf =
      reinterpret_cast<ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module));
  const auto* kept = static_cast<const ngx_str_t*>(core_conf->env.elts);
  for (ngx_uint_t i = 0; i < core_conf->env.nelts; ++i) {
    const std::string_view name = to_view(kept[i]);
    if (name.substr(0, name.find('=')) == variable) return true;
  }
  return false;
}

}  // namespace

core::Secret read_secret(ngx_conf_t* cf, std::string_view name, std::string_view word) {
  core::SecretWord parsed = core::parse_secret(name, word);
  const std::string of = " of \"" + std::string(name) + "\"";
  const std::string source(parsed.source);
  switch (parsed.kind) {
    case core::SecretKind::literal:
      warn(cf, "the secret" + of + " can be read in the configuration, use \"file:\" or \"env:\"");
      break;
    case core::SecretKind::file:
      if (parsed.readable_by_all) {
        warn(cf, "secret file \"" + source + "\"" + of + " is readable by its group or by others");
      }
      break;
    case core::SecretKind::env:
      if (!passed_on(cf, parsed.source)) {
        warn(cf, "environment variable \"" + source + "\"" + of + " needs \"env " + source +
                     ";\" before \"http\", or a binary upgrade loses it");
      }
      break;
  }
  return std::move(parsed.secret);
}

core::Secret read_key(ngx_conf_t* cf, std::string_view name, std::string_view word) {
  core::Secret key = read_secret(cf, name, word);
  const std::size_t size = key.expose().size();
  if (size < kKeyLeast) {
    warn(cf, "the secret of \"" + std::string(name) + "\" can be guessed, it has " +
                 std::to_string(size) + " of at least " + std::to_string(kKeyLeast) +
                 " bytes: let \"guardctl secret\" make one");
  }
  return key;
}

}  // namespace guard::ngx
