// Any bytes as a cookie and a body, of any type: whatever is made of them can be read, and only of
// names, values and texts that they hold.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "inspect/transaction.h"

namespace {

using namespace guard::inspect;

constexpr std::array<std::string_view, 5> kTypes = {"", "application/x-www-form-urlencoded",
                                                    "multipart/form-data; boundary=b",
                                                    "application/json", "text/xml"};

// So that a sanitizer sees what is not there any more.
unsigned read_all(Transaction& transaction) {
  unsigned sum = 0;
  const auto read = [&](std::string_view text) {
    for (const char c : text) sum += static_cast<unsigned char>(c);
  };
  for (std::size_t i = 0; i < kListCount; ++i) {
    for (const Field& field : transaction.list(static_cast<List>(i))) {
      read(field.name);
      read(field.value);
    }
  }
  for (std::size_t i = 0; i < kCollectionCount; ++i) {
    read(transaction.single(static_cast<Collection>(i)).value);
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Transaction transaction;
  if (size < 1) return 0;
  const std::size_t processor = data[0] % kTypes.size();
  // Of its own, so that nothing behind it can be read.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::memcpy(copy.get(), data, size);
  std::string_view rest(copy.get() + 1, size - 1);
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::array<HeaderField, 2> fields = {
      {{"Cookie", rest.substr(0, end)}, {"Content-Type", kTypes[processor]}}};
  rest.remove_prefix(std::min(end + 1, rest.size()));
  RequestView view;
  view.method = "POST";
  view.target = "/";
  view.version = "1.1";
  view.headers = {fields.data(), processor == 0 ? 1U : 2U};
  TransactionLimits limits;
  limits.arguments = 100;
  limits.names = 10'000;
  transaction.begin(view, limits);
  transaction.add_body(rest, static_cast<BodyProcessor>(processor));
  const unsigned sum = read_all(transaction);
  for (const List list : {List::args_get, List::args_post, List::args_body, List::xml_attributes}) {
    if (transaction.list(list).size() > 2 * limits.arguments + 1) __builtin_trap();
  }
  return sum == ~0U ? -1 : 0;
}
