// Holds every transformation against that of ModSecurity v3 itself, in libmodsecurity3, on made-up
// values: transformations [VALUES [SEED]]. What differs is printed, and the end is 1.

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/words.h"
#include "inspect/transformation.h"

namespace {

using namespace guard::inspect;
using T = Transformation;

// Its classes have no headers that are installed; a method is a function whose first argument is
// the object, and these use nothing of theirs.
using Evaluate = std::string (*)(void* object, const std::string& value, void* transaction);

struct Peer {
  T transformation;
  const char* name;
  Evaluate evaluate = nullptr;
};

std::vector<Peer> peers() {
  return {{T::base64_decode, "Base64Decode"},
          {T::base64_decode_ext, "Base64DecodeExt"},
          {T::base64_encode, "Base64Encode"},
          {T::cmd_line, "CmdLine"},
          {T::compress_whitespace, "CompressWhitespace"},
          {T::css_decode, "CssDecode"},
          {T::escape_seq_decode, "EscapeSeqDecode"},
          {T::hex_decode, "HexDecode"},
          {T::hex_encode, "HexEncode"},
          {T::html_entity_decode, "HtmlEntityDecode"},
          {T::js_decode, "JsDecode"},
          {T::length, "Length"},
          {T::lowercase, "LowerCase"},
          {T::md5, "Md5"},
          {T::normalize_path, "NormalisePath"},
          {T::normalize_path_win, "NormalisePathWin"},
          {T::remove_comments, "RemoveComments"},
          {T::remove_comments_char, "RemoveCommentsChar"},
          {T::remove_nulls, "RemoveNulls"},
          {T::remove_whitespace, "RemoveWhitespace"},
          {T::replace_comments, "ReplaceComments"},
          {T::replace_nulls, "ReplaceNulls"},
          {T::sha1, "Sha1"},
          {T::sql_hex_decode, "SqlHexDecode"},
          {T::trim, "Trim"},
          {T::trim_left, "TrimLeft"},
          {T::trim_right, "TrimRight"},
          {T::uppercase, "UpperCase"},
          {T::url_decode, "UrlDecode"},
          {T::url_decode_uni, "UrlDecodeUni"},
          {T::url_encode, "UrlEncode"},
          {T::utf8_to_unicode, "Utf8ToUnicode"}};
}

class Library {
 public:
  Library() : library_(dlopen("libmodsecurity.so.3", RTLD_NOW)) {
    if (library_ == nullptr) guard::core::fail(dlerror());
    // A transaction, for the map of Unicode.
    const auto init = find<void* (*)()>("msc_init");
    const auto make_rules = find<void* (*)()>("msc_create_rules_set");
    const auto add = find<int (*)(void*, const char*, const char**)>("msc_rules_add");
    const auto begin = find<void* (*)(void*, void*, void*)>("msc_new_transaction");
    void* rules = make_rules();
    const char* error = "";
    if (add(rules, "SecUnicodeMapFile /etc/nginx/unicode.mapping 20127\n", &error) < 0) {
      guard::core::fail(error);
    }
    transaction_ = begin(init(), rules, nullptr);
  }

  template <class Function>
  Function find(const std::string& name) const {
    void* at = dlsym(library_, name.c_str());
    if (at == nullptr) guard::core::fail("libmodsecurity3 has no ", name);
    return reinterpret_cast<Function>(at);
  }

  Evaluate evaluate_of(std::string_view name) const {
    return find<Evaluate>("_ZN11modsecurity7actions15transformations" +
                          std::to_string(name.size()) + std::string(name) +
                          "8evaluateERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEPNS_"
                          "11TransactionE");
  }

  std::string ask(const Peer& peer, const std::string& value) const {
    alignas(std::max_align_t) std::array<char, 1024> object{};
    return peer.evaluate(object.data(), value, transaction_);
  }

 private:
  void* library_;
  void* transaction_ = nullptr;
};

std::string up_to_nul(const std::string& text) {
  return text.substr(0, text.find('\0'));
}

std::string ours(T transformation, const std::string& value) {
  std::string out(transformed_size(value.size()), '\0');
  bool changed = false;
  return std::string(transform(transformation, value, out.data(), changed));
}

// What is not the same on purpose: where text ends before its end, rules can be got around.
bool is_meant(const Peer& peer, const std::string& value, const std::string& made,
              const std::string& theirs) {
  switch (peer.transformation) {
    case T::css_decode:
      return theirs == up_to_nul(made);
    case T::sql_hex_decode:
      // The last byte is lost, unless it is a digit of what is decoded, or behind that.
      return theirs == up_to_nul(made) ||
             theirs == up_to_nul(ours(T::sql_hex_decode, value.substr(0, value.size() - 1)));
    case T::base64_decode:
      // Whole groups of four, or nothing where anything else is in the text.
      return theirs.empty() || made.starts_with(theirs);
    case T::base64_decode_ext:
      // A last digit 9, whose value is the code of '=', counts as padding too.
      return theirs.empty() && value.ends_with('9');
    case T::remove_comments:
      // The NUL behind the text is the byte that is copied behind a comment.
      return theirs == made + '\0';
    default:
      return false;
  }
}

std::string made_up(std::mt19937& random) {
  static constexpr std::array<std::string_view, 75> kPieces = {"/",
                                                               "\\",
                                                               "..",
                                                               ".",
                                                               "//",
                                                               "a",
                                                               "bc",
                                                               "%",
                                                               "%u",
                                                               "%41",
                                                               "&",
                                                               "&#",
                                                               "&#x",
                                                               "&lt;",
                                                               "&amp",
                                                               "&nbsp;",
                                                               "41",
                                                               ";",
                                                               "+",
                                                               " ",
                                                               "  ",
                                                               "\t",
                                                               "\n",
                                                               "\v",
                                                               "\r",
                                                               "'",
                                                               "\"",
                                                               "^",
                                                               ",",
                                                               "(",
                                                               "0x",
                                                               "0X",
                                                               "4142",
                                                               "zz",
                                                               "--",
                                                               "#",
                                                               "/*",
                                                               "*/",
                                                               "<!--",
                                                               "-->",
                                                               "-",
                                                               "*",
                                                               "<",
                                                               "\\x",
                                                               "\\u",
                                                               "\\1",
                                                               "\\77",
                                                               "\\377",
                                                               "\\477",
                                                               "\\n",
                                                               "\\\n",
                                                               "f",
                                                               "ff",
                                                               "F",
                                                               "\xff",
                                                               "\x80",
                                                               "\xc2",
                                                               "\xa0",
                                                               "=",
                                                               "==",
                                                               "QUJD",
                                                               "A",
                                                               "z",
                                                               "9",
                                                               "%u0041",
                                                               "%uff1c",
                                                               "ff41",
                                                               "\xc3\xa9",
                                                               "\\ff41 ",
                                                               "\xc0\xbc",
                                                               "\xed\xa0\x80",
                                                               "\xe4\xb8\xad",
                                                               "\\00ff41",
                                                               "\xf0\x9f\x98\x80",
                                                               "&#99999999999999999999;"};
  std::string value;
  const unsigned parts = random() % 12;
  for (unsigned i = 0; i < parts; ++i) {
    const unsigned kind = random() % 12;
    if (kind < 2) {
      value += static_cast<char>(random());
    } else if (kind == 2) {
      value += '\0';
    } else {
      value += kPieces[random() % kPieces.size()];
    }
  }
  return value;
}

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    std::array<char, 8> code{};
    std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned char>(c));
    if (c < ' ' || c > '~' || c == '\\' || c == '"') {
      out += code.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

int run(unsigned long values, unsigned seed) {
  const Library library;
  std::vector<Peer> all = peers();
  if (all.size() != kTransformationCount) guard::core::fail("not every transformation is here");
  for (Peer& peer : all) peer.evaluate = library.evaluate_of(peer.name);
  std::mt19937 random(seed);
  unsigned long different = 0;
  unsigned long meant = 0;
  for (unsigned long i = 0; i < values; ++i) {
    const std::string value = made_up(random);
    for (const Peer& peer : all) {
      const std::string theirs = library.ask(peer, value);
      const std::string made = ours(peer.transformation, value);
      if (made == theirs) continue;
      if (is_meant(peer, value, made, theirs)) {
        ++meant;
        continue;
      }
      ++different;
      std::printf("%s of %s: %s, there %s\n", peer.name, shown(value).c_str(), shown(made).c_str(),
                  shown(theirs).c_str());
    }
  }
  std::printf("%lu values by %zu transformations from seed %u: %lu differ, %lu as is known\n",
              values, all.size(), seed, different, meant);
  return different == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const unsigned long values = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100000;
    const unsigned long seed = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
    return run(values, static_cast<unsigned>(seed));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "transformations: %s\n", error.what());
    return 1;
  }
}
