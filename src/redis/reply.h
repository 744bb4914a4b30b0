// What Redis answered, or why it did not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace guard::redis {

enum class Fault : std::uint8_t {
  none,
  error,        // Redis answered with an error: text() says which
  unavailable,  // not even tried: the breaker is open, or there is no connection
  overflow,     // not even tried: too many commands are waiting
  timeout,      // no answer in time; the command may have been carried out
  lost,         // the connection broke; the command may have been carried out
};

// A part of a reply, as the reader keeps it.
struct Element {
  enum class Kind : std::uint8_t { null, integer, text, error, array };

  Kind kind = Kind::null;
  std::int64_t integer = 0;
  std::size_t size = 0;  // bytes of a text or an error, elements of an array
  union {
    const char* text = nullptr;
    Element** elements;
  };
};

// A view of a reply, valid only within the callback that gets it. Every accessor is safe whatever
// the reply is: what is not there is 0, empty or another null view.
class Reply {
 public:
  explicit Reply(Fault fault) noexcept : fault_(fault) {}
  explicit Reply(const Element* element) noexcept;

  Fault fault() const noexcept { return fault_; }
  bool ok() const noexcept { return fault_ == Fault::none; }

  bool is_null() const noexcept;
  bool is_integer() const noexcept;
  bool is_text() const noexcept;  // a bulk or simple string
  bool is_array() const noexcept;
  std::int64_t integer() const noexcept;   // of an integer; a decimal bulk string is read, too
  std::string_view text() const noexcept;  // of a string or an error
  std::size_t size() const noexcept;       // elements of an array
  Reply operator[](std::size_t index) const noexcept;

 private:
  bool is(Element::Kind kind) const noexcept {
    return element_ != nullptr && element_->kind == kind;
  }

  const Element* element_ = nullptr;
  Fault fault_ = Fault::none;
};

}  // namespace guard::redis
