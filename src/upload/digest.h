// SHA-256 of what comes piece by piece, by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

struct evp_md_ctx_st;

namespace guard::upload {

class Digest {
 public:
  using Hex = std::array<char, 64>;

  Digest() = default;
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  ~Digest();

  // begin() starts another one. Where OpenSSL fails, finish() says false.
  void begin() noexcept;
  void add(std::string_view bytes) noexcept;
  bool finish(Hex& hex) noexcept;

 private:
  evp_md_ctx_st* context_ = nullptr;
  bool good_ = false;
};

}  // namespace guard::upload
