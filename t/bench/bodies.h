// The documents that the order schema describes (docs/performance.md), of about a size.
#pragma once

#include <string>

namespace guard::bench {

inline std::string orders(std::size_t size) {
  std::string text = R"({"email":"jane.doe@example.com","order":[)";
  for (int i = 1; text.size() + 100 < size; ++i) {
    if (i > 1) text += ',';
    text += R"({"id":)" + std::to_string(i) + R"(,"name":"item number )" + std::to_string(i) +
            R"(","price":)" + std::to_string(i % 1000) + '.' + std::to_string(10 + i % 90) +
            R"(,"tags":["alpha","beta"],"ok":true})";
  }
  return text + "]}";
}

}  // namespace guard::bench
