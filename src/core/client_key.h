// The key of a policy: by what its requests are told apart, a list of variables. Only a keyed hash
// of it is kept anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/normalize.h"
#include "core/request.h"
#include "core/siphash.h"
#include "ngx/config.h"

namespace guard::core {

// The variable of the client's address, without the '$'.
inline constexpr std::string_view kClientNet = "guard_client_net";

enum class KeyState : std::uint8_t {
  known,
  empty,   // every variable is: the hash is that of the client's address
  failed,  // out of memory
};

class ClientKey {
 public:
  // Configuration time. owner is part of every hash, so that policies share no counts. Each
  // variable is normalized by itself, but not addresses.
  void compile(ngx_conf_t* cf, std::string_view owner, std::span<const std::string> variables,
               Normalization normalization = Normalization::none);

  // In a worker. The long one is for what many nginx share: no two keys of them may meet.
  KeyState hash(Request& request, std::uint64_t& hash) noexcept {
    return hash_of(short_, request, hash);
  }
  KeyState hash(Request& request, Hash128& hash) noexcept { return hash_of(long_, request, hash); }

  // The hash of the key whose variables have these values, in their order; false: there are more of
  // them, or fewer, or all are empty. An address where the client's network is meant becomes that.
  bool hash_texts(std::span<const std::string_view> texts, std::uint64_t& hash) noexcept {
    return hash_texts_of(short_, texts, hash);
  }
  bool hash_texts(std::span<const std::string_view> texts, Hash128& hash) noexcept {
    return hash_texts_of(long_, texts, hash);
  }

  // The variables that are not the client's address, as they are: out must have room for
  // kMaxKeyVariables. How many there are; nothing: out of memory.
  std::optional<std::size_t> account_texts(Request& request,
                                           std::span<std::string_view> out) const noexcept;

 private:
  // The hash with the owner in it, begun once.
  template <HashWidth width>
  using Begun = std::optional<SipHash<width>>;

  struct Part {
    ngx_int_t index = NGX_ERROR;  // of the variable
    ngx::Value capture;           // or $1 to $9, which have no index
    bool client_net = false;      // or the address, without going through nginx's variables
    bool body = false;            // the request's, which the variable has only if it is in memory
    bool account = false;         // to be normalized
    bool address = false;         // the client's, in whatever form
  };

  static std::optional<std::string_view> text_of(const Part& part, Request& request) noexcept;
  // Answers whether there is anything in it.
  template <HashWidth width>
  static bool add(const Part& part, std::string_view text, SipHash<width>& sip) noexcept;
  template <HashWidth width>
  void begin(Begun<width>& begun) const noexcept;
  template <HashWidth width, class Hash>
  bool hash_texts_of(Begun<width>& begun, std::span<const std::string_view> texts,
                     Hash& hash) const noexcept;
  template <HashWidth width, class Hash>
  KeyState hash_of(Begun<width>& begun, Request& request, Hash& hash) noexcept;

  std::string owner_;
  std::vector<Part> parts_;
  Begun<HashWidth::bits64> short_;  // of this worker
  Begun<HashWidth::bits128> long_;
};

// The client's network, see core/counter_zone.h.
std::uint64_t network_of(const Request& request) noexcept;

}  // namespace guard::core
