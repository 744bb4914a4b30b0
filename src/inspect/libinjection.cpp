#include "inspect/libinjection.h"

#include <dlfcn.h>

namespace guard::inspect {

namespace {

constexpr std::string_view kVersion = "3.9.2";

}  // namespace

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
  // What is known of its inside is known of this version.
  const auto version = reinterpret_cast<const char* (*)()>(dlsym(library, "libinjection_version"));
  const auto lookup =
      reinterpret_cast<SqliWords::Lookup>(dlsym(library, "libinjection_sqli_lookup_word"));
  if (version != nullptr && lookup != nullptr && std::string_view(version()) == kVersion) {
    words_.read(lookup);
  }
  return true;
}

bool Libinjection::may_be_sqli(std::string_view text, Traits traits) const noexcept {
  using namespace trait;
  traits &= kBytes;
  // One word, or a number and a word: no sequence has one token, but for a comment, and of two only
  // those with a comment or UNION.
  if ((traits & ~kWord) == 0) return false;
  // With dots in it a word is one unless what stands before a dot is in the table: the names that
  // members of JSON have begin with what is not.
  constexpr std::string_view kJson = "json";
  if ((traits & ~(kWord | of_mark('.'))) == 0 && text.starts_with(kJson) &&
      text[kJson.size()] == '.') {
    return false;
  }
  return words_.may_report(text, traits);
}

bool Libinjection::is_sqli(std::string_view text, Fingerprint& fingerprint) const noexcept {
  fingerprint.fill('\0');
  return sqli_(text.data() == nullptr ? "" : text.data(), text.size(), fingerprint.data()) != 0;
}

bool Libinjection::is_xss(std::string_view text) const noexcept {
  return xss_(text.data() == nullptr ? "" : text.data(), text.size()) != 0;
}

}  // namespace guard::inspect
