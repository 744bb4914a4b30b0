// Names that applications may take for others: those of fields of a form, a query, or cookies.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace guard::json {

// Of "name[a]" the name.
std::string_view before_bracket(std::string_view name) noexcept;

// name behind the first of these characters, or nothing. "order.price" is "price" to ASP.NET where
// an action has an order, which no document says; and what stands in "order[price]" of a query, to
// Rails where a controller has orders, takes the place of a whole JSON body.
std::string_view behind_first(std::string_view characters, std::string_view name) noexcept;

// Whether an application may read name as that which the document has, or as something in it: with
// brackets around or behind it (PHP, Rack, qs for Node), in other letters (ASP.NET), "." and " " as
// "_", and so "[" that is not closed, without blanks before it and what stands behind a NUL (PHP),
// without a "!" before it (Spring), with brackets for the dots (ASP.NET). So it may where the two
// are the same.
bool may_be_read_as(std::string_view name, std::string_view documented) noexcept;

// Many of a document, each looked up by whatever may be read as it.
class Lookalikes {
 public:
  void add(std::string_view documented);
  bool has(std::string_view name) const noexcept;

 private:
  // A name whose brackets are no more than a "_".
  struct Flat {
    std::string_view name;
  };
  struct Less {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept;
    bool operator()(Flat a, std::string_view b) const noexcept;
    bool operator()(std::string_view a, Flat b) const noexcept;
  };

  struct LessDotted {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const noexcept;
  };

  std::set<std::string, Less> names_;
  std::set<std::string, LessDotted> dotted_;  // of names_, those with a dot
  std::size_t most_parts_ = 0;                // of any of them
};

}  // namespace guard::json
