// What is said to a server and heard from it, free of how the bytes travel (see core/exchange.h).
// Every byte that comes in is taken for hostile: what is kept of it is bounded.
#pragma once

#include <cstdint>
#include <string_view>

namespace guard::core {

class Dialogue {
 public:
  enum class Next : std::uint8_t {
    more,    // bytes are to come; say() may have become something else
    again,   // the same, on a connection of its own from the beginning
    secure,  // TLS begins on this connection, and secured() follows
    done,    // all is known
  };

  // What is to be sent next; empty: nothing.
  virtual std::string_view say() const noexcept = 0;
  // All of that has been sent.
  virtual Next said() noexcept = 0;
  // A connection stands; of tcp:// that is all.
  virtual Next opened() noexcept { return Next::more; }
  virtual Next secured() noexcept { return Next::more; }
  virtual Next hear(std::string_view bytes) noexcept = 0;
  // The server has closed.
  virtual Next ended() noexcept = 0;

 protected:
  ~Dialogue() = default;
};

// One that asks whether the server is well.
class Probe : public Dialogue {
 public:
  // Of what was heard since opened(), once it is over; empty: it is well.
  virtual std::string_view problem() const noexcept = 0;

 protected:
  ~Probe() = default;
};

}  // namespace guard::core
