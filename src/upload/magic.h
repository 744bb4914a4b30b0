// libmagic, as one worker has it: loaded once, with its limits set.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct magic_set;

namespace guard::upload {

class Magic {
 public:
  Magic() = default;
  Magic(const Magic&) = delete;
  Magic& operator=(const Magic&) = delete;
  ~Magic() { close(); }

  static constexpr std::size_t kHead = 16 * 1024;  // so much of a file is looked at

  // False: error() says why.
  bool open() noexcept;
  void close() noexcept;
  bool is_open() const noexcept { return cookie_ != nullptr; }
  std::string_view error() const noexcept { return error_; }

  // The media type of a file that begins with these bytes; empty: it cannot be told. Valid until
  // the next call.
  std::string_view type_of(std::string_view head) noexcept;

 private:
  magic_set* cookie_ = nullptr;
  std::string_view error_;
};

}  // namespace guard::upload
