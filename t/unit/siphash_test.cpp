#include "core/siphash.h"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <string>

#include "unit.h"

namespace core = guard::core;
using core::HashWidth;
using guard::unit::expect_text;

namespace {

core::SipKey counting_key() {
  core::SipKey key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(i);
  return key;
}

std::string counting(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>(i));
  return text;
}

std::uint64_t short_hash(std::string_view text) {
  core::SipHash<HashWidth::bits64> hash(counting_key());
  hash.update(text);
  return hash.finish();
}

core::Hash128 long_hash(std::string_view text) {
  core::SipHash<HashWidth::bits128> hash(counting_key());
  hash.update(text);
  return hash.finish();
}

std::string hex(const core::Hash128& hash) {
  const auto digits = core::hex_of(hash);
  return {digits.data(), digits.size()};
}

// OpenSSL's SipHash of the same, `size` bytes of output.
std::string openssl_hash(std::string_view text, std::size_t size) {
  const core::SipKey key = counting_key();
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t("size", &size),
                               OSSL_PARAM_construct_end()};
  std::string out(size, '\0');
  std::size_t written = 0;
  assert_non_null(EVP_Q_mac(nullptr, "SIPHASH", nullptr, nullptr, params, key.data(), key.size(),
                            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                            reinterpret_cast<unsigned char*>(out.data()), size, &written));
  assert_int_equal(written, size);
  return out;
}

// From the paper (appendix A) and the authors' vectors.h.
void reference_vectors(void**) {
  assert_true(short_hash(counting(15)) == 0xa129ca6149be45e5ULL);
  assert_true(short_hash("") == 0x726fdb47dd0e0e31ULL);
  assert_true(short_hash(counting(1)) == 0x74f839c593dc67fdULL);
  expect_text(hex(long_hash("")), "a3817f04ba25a8e66df67214c7550293");
  expect_text(hex(long_hash(counting(1))), "da87c1d86b99af44347659119b22fc45");
}

void agrees_with_openssl(void**) {
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string text = counting(size);
    const std::uint64_t hash = short_hash(text);
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(hash >> (8 * i)));
    assert_true(bytes == openssl_hash(text, 8));

    const core::Hash128 wide = long_hash(text);
    bytes.clear();
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(wide.low >> (8 * i)));
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(wide.high >> (8 * i)));
    assert_true(bytes == openssl_hash(text, 16));
  }
}

void in_pieces(void**) {
  const std::string text = counting(70);
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      core::SipHash<HashWidth::bits64> hash(counting_key());
      hash.update(std::string_view(text).substr(0, first));
      hash.update(std::string_view(text).substr(first, second - first));
      hash.update(std::string_view(text).substr(second));
      assert_true(hash.finish() == short_hash(text));
    }
  }
}

void compound_keys(void**) {
  const core::KeyedHash hash(counting_key());
  assert_false(hash.hash128({"ab", "c"}) == hash.hash128({"a", "bc"}));
  assert_false(hash.hash128({"ab", ""}) == hash.hash128({"", "ab"}));
  assert_false(hash.hash128({"ab"}) == hash.hash128({"ab", ""}));
  assert_false(hash.hash128({}) == hash.hash128({""}));
  assert_true(hash.hash64({"a", "b"}) != hash.hash64({"b", "a"}));
  assert_true(hash.hash128({"a", "b"}) == hash.hash128({"a", "b"}));

  auto feed = hash.start128();
  feed.part("a");
  feed.part("b");
  assert_true(feed.finish() == hash.hash128({"a", "b"}));
  assert_true(hash.hash64({"a"}) == short_hash(std::string("\1\0\0\0\0\0\0\0a", 9)));

  core::SipKey other = counting_key();
  other[15] ^= 1;
  assert_false(core::KeyedHash(other).hash128({"a"}) == hash.hash128({"a"}));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(reference_vectors),
      cmocka_unit_test(agrees_with_openssl),
      cmocka_unit_test(in_pieces),
      cmocka_unit_test(compound_keys),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
