#include "inspect/libinjection.h"

#include <dlfcn.h>

#include "inspect/byte_traits.h"

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

// libinjection reads a text as tokens and knows sequences of them. It knows none of one token, but
// for a comment, and of two only those with a comment or a string and UNION, nor any of numbers,
// dots and operators alone.
bool Libinjection::may_be_sqli(std::string_view text) noexcept {
  using namespace trait;
  const Traits traits = byte_traits(text) & kBytes;
  // One word, or a number and a word.
  if ((traits & ~kWord) == 0) return false;
  if ((traits & ~(kDigit | kZero | of_marks(".+- "))) == 0) {
    return text.find("--") != std::string_view::npos;
  }
  // With dots in it a word is one unless what stands before a dot is a keyword: the names that
  // members of JSON have begin with what is none.
  constexpr std::string_view kJson = "json";
  return (traits & ~(kWord | of_mark('.'))) != 0 || !text.starts_with(kJson) ||
         text[kJson.size()] != '.';
}

bool Libinjection::is_sqli(std::string_view text, Fingerprint& fingerprint) const noexcept {
  fingerprint.fill('\0');
  return sqli_(text.data() == nullptr ? "" : text.data(), text.size(), fingerprint.data()) != 0;
}

bool Libinjection::is_xss(std::string_view text) const noexcept {
  return xss_(text.data() == nullptr ? "" : text.data(), text.size()) != 0;
}

}  // namespace guard::inspect
