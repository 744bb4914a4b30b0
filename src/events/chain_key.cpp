#include "events/chain_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <new>

namespace guard::events {

namespace {

// What a root is the HMAC of, before the chain's id; a change of the format needs another number.
constexpr std::string_view kRootLabel = "guard event chain 1\n";

bool child(Hmac& hmac, const ChainKey& parent, bool right, ChainKey& out) noexcept {
  return hmac.compute(parent, {right ? "1" : "0"}, out);
}

}  // namespace

void Hmac::Free::operator()(EVP_MAC_CTX* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

Hmac::Hmac() {
  EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (algorithm == nullptr) throw std::bad_alloc();
  context_.reset(EVP_MAC_CTX_new(algorithm));  // has a reference of its own
  EVP_MAC_free(algorithm);
  std::array<char, 7> digest = {"SHA256"};
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  if (context_ == nullptr || EVP_MAC_CTX_set_params(context_.get(), parameters.data()) != 1) {
    throw std::bad_alloc();
  }
}

bool Hmac::set_key(std::span<const unsigned char> key) noexcept {
  return EVP_MAC_init(context_.get(), key.data(), key.size(), nullptr) == 1;
}

bool Hmac::compute(std::initializer_list<std::string_view> parts, ChainKey& out) noexcept {
  return EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 && digest(parts, out);
}

bool Hmac::digest(std::initializer_list<std::string_view> parts, ChainKey& out) noexcept {
  EVP_MAC_CTX* context = context_.get();
  for (std::string_view part : parts) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(part.data());
    if (EVP_MAC_update(context, bytes, part.size()) != 1) return false;
  }
  std::size_t size = 0;
  return EVP_MAC_final(context, out.data(), &size, out.size()) == 1 && size == out.size();
}

ChainKey chain_root(Hmac& hmac, const core::Secret& secret, std::string_view chain_id) {
  const std::string_view bytes = secret.expose();
  ChainKey root;
  if (!hmac.compute({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()},
                    {kRootLabel, chain_id}, root)) {
    throw std::bad_alloc();
  }
  return root;
}

bool chain_leaf(Hmac& hmac, const ChainKey& root, std::uint64_t epoch, ChainKey& out) noexcept {
  if (epoch >> kTreeDepth != 0) return false;
  ChainKey node = root;
  for (unsigned level = kTreeDepth; level-- > 0;) {
    if (!child(hmac, node, (epoch >> level & 1) != 0, out)) return false;
    node = out;
  }
  return true;
}

ChainKeys::ChainKeys(const core::Secret& secret, std::string_view chain_id) {
  later_[0] = {chain_root(hmac_, secret, chain_id), 0};
  count_ = 1;
  if (!advance(0)) throw std::bad_alloc();
}

ChainKeys::~ChainKeys() {
  OPENSSL_cleanse(later_.data(), sizeof later_);
}

bool ChainKeys::advance(std::uint64_t epoch) noexcept {
  if (epoch >> kTreeDepth != 0 || epoch + 1 < epochs_) return false;
  while (epochs_ <= epoch) {
    if (!next()) return false;
  }
  return true;
}

bool ChainKeys::next() noexcept {
  Node node = later_[--count_];
  OPENSSL_cleanse(&later_[count_], sizeof(Node));
  bool made = true;
  while (made && node.level < kTreeDepth) {
    Node& right = later_[count_];
    ChainKey left;
    made = child(hmac_, node.key, true, right.key) && child(hmac_, node.key, false, left);
    right.level = ++node.level;
    node.key = left;
    if (made) ++count_;
    OPENSSL_cleanse(left.data(), left.size());
  }
  made = made && leaf_.set_key(node.key);
  if (made) {
    ++epochs_;
  } else {
    // Without this node nothing that comes later can be reached.
    count_ = 0;
    epochs_ = ~std::uint64_t{0};
  }
  OPENSSL_cleanse(&node, sizeof node);
  return made;
}

}  // namespace guard::events
