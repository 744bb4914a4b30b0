#include "inspect/libinjection.h"

#include <dlfcn.h>

namespace guard::inspect {

Libinjection::~Libinjection() {
  if (library_ != nullptr) dlclose(library_);
}

bool Libinjection::load() {
  if (library_ != nullptr) return true;
  void* library = dlopen("libmodsecurity.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* error = dlerror();
    why_ = error != nullptr ? error : "unknown error";
    return false;
  }
  sqli_ = reinterpret_cast<Sqli>(dlsym(library, "libinjection_sqli"));
  xss_ = reinterpret_cast<Xss>(dlsym(library, "libinjection_xss"));
  if (sqli_ == nullptr || xss_ == nullptr) {
    why_ = "libmodsecurity.so.3 has no libinjection";
    dlclose(library);
    return false;
  }
  library_ = library;
  return true;
}

bool Libinjection::is_sqli(std::string_view text, Fingerprint& fingerprint) const noexcept {
  fingerprint.fill('\0');
  return sqli_(text.data() == nullptr ? "" : text.data(), text.size(), fingerprint.data()) != 0;
}

bool Libinjection::is_xss(std::string_view text) const noexcept {
  return xss_(text.data() == nullptr ? "" : text.data(), text.size()) != 0;
}

}  // namespace guard::inspect
