// What a server calls itself by server_name, which nginx forgets once the configuration is read.
#pragma once

#include <string_view>
#include <vector>

#include "ngx/compat.h"

namespace guard::core {

class ServerNames {
 public:
  // Of the server whose blocks are being merged.
  void read(ngx_conf_t* cf);

  // No name, or only "_": there is nothing to hold a Host against.
  bool empty() const { return names_.empty(); }
  // Whether one of them, regular expressions too, names host (in lower case, without a port).
  bool name(ngx_str_t host) const noexcept;
  // The first that is one host; empty: none.
  std::string_view plain() const noexcept;

 private:
  struct Name {
    std::string_view text;
    ngx_http_regex_t* regex;  // null: none
  };

  std::vector<Name> names_;
};

const ServerNames& server_names(ngx_http_request_t* r) noexcept;
// Of the server whose locations are being merged.
const ServerNames& server_names(ngx_conf_t* cf) noexcept;

}  // namespace guard::core
