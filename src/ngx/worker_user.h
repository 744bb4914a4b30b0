// What the workers' user may do, asked at configuration time by a master that is root.
#pragma once

#include <string_view>

#include "ngx/compat.h"

namespace guard::ngx {

// The user that workers run as.
std::string_view worker_user(ngx_conf_t* cf) noexcept;

// Whether workers may make, rename and remove files in a directory; path is NUL-terminated.
// sticky: the directory keeps them from renaming what root has made.
struct DirectoryAccess {
  bool writable = false;
  bool sticky = false;
};
DirectoryAccess worker_access(ngx_conf_t* cf, const char* path) noexcept;

// Has workers own a file that a master who is root has made, so that they may open it again.
void give_to_workers(ngx_conf_t* cf, int file) noexcept;

// Warns if workers would not see a file of this name appear, since they may not search its
// directory or there is none, or if a directory has the name. An absolute path.
void warn_of_unseen(ngx_conf_t* cf, std::string_view file);

// Warns if a file is not there for workers, or, to be read, if they may not. An absolute path, of
// whom it is ("health check "x"").
void warn_of_missing(ngx_conf_t* cf, std::string_view file, std::string_view owner, bool to_read);

}  // namespace guard::ngx
