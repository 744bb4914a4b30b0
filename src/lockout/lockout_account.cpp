#include "lockout/lockout_account.h"

#include <algorithm>

namespace guard::lockout {

bool is_missing(std::span<const std::string_view> texts,
                core::Normalization normalization) noexcept {
  return std::any_of(texts.begin(), texts.end(), [normalization](std::string_view text) {
    if (text.empty() || normalization == core::Normalization::none) return text.empty();
    return core::AccountName(text).text().empty();
  });
}

std::uint64_t account_hash(const core::SipKey& secret, std::span<const std::string_view> texts,
                           core::Normalization normalization) noexcept {
  core::SipHash<core::HashWidth::bits64> sip(secret);
  sip.part("lockout account");
  for (std::string_view text : texts) {
    if (normalization == core::Normalization::none) {
      sip.part(text);
    } else {
      sip.part(core::AccountName(text).text());
    }
  }
  return sip.finish();
}

}  // namespace guard::lockout
