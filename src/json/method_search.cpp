#include "json/method_search.h"

#include "core/ascii.h"

namespace guard::json {

namespace {

constexpr std::string_view kName = "_method";

}  // namespace

bool MethodSearch::feed(std::string_view bytes) noexcept {
  for (const char c : bytes) {
    if (found_) break;
    const bool begins = c == '%' || c == '\\';
    if (escape_size_ > 0) {
      if (escape(c)) continue;
      const std::string_view plain(escape_.data(), escape_size_);
      // To Rack a backslash in the name of a part stands for what is behind it.
      for (const char each : plain.substr(plain.front() == '\\' ? 1 : 0)) take(each);
      escape_size_ = 0;
    }
    if (begins) {
      escape_[escape_size_++] = c;
    } else {
      take(c);
    }
  }
  return found_;
}

bool MethodSearch::escape(char c) noexcept {
  const bool percent = escape_.front() == '%';
  const bool fits = !percent && escape_size_ == 1 ? c == 'u' : core::is_hex(c);
  if (!fits) return false;
  escape_[escape_size_++] = c;
  if (escape_size_ < (percent ? 3 : escape_.size())) return true;
  int code = 0;
  for (std::size_t i = percent ? 1 : 2; i < escape_size_; ++i) {
    code = code * 16 + core::hex_value(escape_[i]);
  }
  escape_size_ = 0;
  take(code < 0x80 ? static_cast<char>(code) : '\0');
  return true;
}

void MethodSearch::take(char c) noexcept {
  if (found_) return;
  const char letter = c == '.' ? '_' : core::to_lower(c);
  if (letter != kName[matched_]) matched_ = 0;
  if (letter == kName[matched_] && (matched_ > 0 || !in_word_)) ++matched_;
  in_word_ = letter == '_' || core::is_letter(letter) || core::is_digit(letter);
  found_ = matched_ == kName.size();
}

}  // namespace guard::json
