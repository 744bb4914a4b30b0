// guard_upload_scan of a location, for guard_upload's check. Done by scan_module.cpp.
#pragma once

#include "core/request.h"
#include "upload/scan_policy.h"
#include "upload/scanner.h"

namespace guard::upload {

struct ScanServer;

struct Scanning {
  ScanPolicy policy;
  ScanServer* server = nullptr;
};

// While locations are merged, of the one that is: it is in use from now on. Null: nothing is
// scanned.
const Scanning* use_scanning(ngx_conf_t* cf);

// Of the location that the request is in; null: nothing is scanned.
const Scanning* scanning_of(const core::Request& request) noexcept;

// In the request's pool; null: no memory.
Scanner* make_scanner(core::Request& request, const Scanning& scanning, FileFacts* files) noexcept;

}  // namespace guard::upload
