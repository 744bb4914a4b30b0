// The query of guard_lockout_admin, and what another nginx has told of bans through Redis: both are
// read or refused; what is read is within its bounds.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "lockout/admin.h"
#include "lockout/ban_news.h"
#include "lockout/ban_site.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace lockout = guard::lockout;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string error;
  if (const auto query = lockout::parse_admin_query(text, error)) {
    if (query->accounts.size() + query->clients.size() > lockout::kMaxAdminWords) std::abort();
    if (!query->key.empty() &&
        (query->key.size() < lockout::kLeastDigits || query->key.size() > lockout::kHashDigits ||
         query->key.find_first_not_of("0123456789abcdef") != std::string::npos)) {
      std::abort();
    }
    if (query->selects() !=
        (!query->key.empty() || !query->accounts.empty() || !query->clients.empty())) {
      std::abort();
    }
  } else if (error.empty()) {
    std::abort();
  }
  if (const auto news = lockout::read_ban_news(text)) {
    if (news->lifted && news->score != 0) std::abort();
  }
  // A request whose fields are pieces of the input, parted by a line feed.
  const std::size_t cut = text.find('\n');
  if (cut == std::string_view::npos) return 0;
  const std::string_view url = text.substr(0, cut);
  const std::string_view host = text.substr(cut + 1);
  (void)lockout::comes_from_elsewhere({{}, url, {}, host});
  (void)lockout::comes_from_elsewhere({{}, {}, url, host});
  (void)lockout::comes_from_elsewhere({url, {}, {}, host});
  return 0;
}
