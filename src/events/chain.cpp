#include "events/chain.h"

#include <openssl/rand.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <new>

#include "core/json_escape.h"

namespace guard::events {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kCheckpointStart = "\"dataset\":\"guard.checkpoints\"";
// The most bytes of JSON, with quotes, that the names in a checkpoint may take.
constexpr std::size_t kHostMax = 258;
constexpr std::size_t kLogMax = 1026;
constexpr std::size_t kEntityMax = 66;

// RFC 4648, section 5, without padding.
void write_base64url(std::span<const unsigned char> bytes, char* out) noexcept {
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3, out += 4) {
    const unsigned held =
        unsigned{bytes[at]} << 16U | unsigned{bytes[at + 1]} << 8U | bytes[at + 2];
    out[0] = kDigits[held >> 18U];
    out[1] = kDigits[held >> 12U & 0x3fU];
    out[2] = kDigits[held >> 6U & 0x3fU];
    out[3] = kDigits[held & 0x3fU];
  }
  if (at == bytes.size()) return;
  const bool two = at + 2 == bytes.size();
  const unsigned held = unsigned{bytes[at]} << 16U | (two ? unsigned{bytes[at + 1]} << 8U : 0);
  out[0] = kDigits[held >> 18U];
  out[1] = kDigits[held >> 12U & 0x3fU];
  if (two) out[2] = kDigits[held >> 6U & 0x3fU];
}

std::array<char, kChainIdSize> draw_id() {
  std::array<unsigned char, kChainIdSize * 6 / 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::bad_alloc();
  std::array<char, kChainIdSize> id;
  write_base64url(bytes, id.data());
  return id;
}

bool is_base64url(std::string_view text) noexcept {
  return std::ranges::all_of(text,
                             [](char c) { return kDigits.find(c) != std::string_view::npos; });
}

// The end of text as fixed words and texts of fixed sizes, read backwards.
class Backwards {
 public:
  explicit Backwards(std::string_view text) : text_(text) {}

  bool word(std::string_view word) noexcept {
    if (!text_.ends_with(word)) return false;
    text_.remove_suffix(word.size());
    return true;
  }
  bool digits(std::size_t size, std::string_view& out) noexcept {
    if (text_.size() < size) return false;
    out = text_.substr(text_.size() - size);
    text_.remove_suffix(size);
    return is_base64url(out);
  }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
};

void append_capped(std::string& out, std::string_view text, std::size_t max) {
  std::array<char, kLogMax> buffer;
  out.append(buffer.data(), core::write_json_string(buffer.data(), max, text));
}

class Writer {
 public:
  explicit Writer(std::span<char> out) : out_(out) {}
  void put(std::string_view text) noexcept {
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  void put(std::uint64_t number) noexcept {
    size_ = static_cast<std::size_t>(
        std::to_chars(out_.data() + size_, out_.data() + out_.size(), number).ptr - out_.data());
  }
  std::string_view text() const { return {out_.data(), size_}; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
};

std::string_view view(std::span<const char> text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace

MacText mac_text(const ChainKey& mac) noexcept {
  MacText text;
  write_base64url(mac, text.data());
  return text;
}

std::optional<Seal> parse_seal(std::string_view line) noexcept {
  Backwards end(line);
  Seal seal;
  if (!end.word(kSealTail) || !end.digits(kMacSize, seal.mac) || !end.word(kSealMac)) return {};
  // The quote before `,"mac":` belongs to what is covered.
  seal.covered = line.substr(0, end.rest().size() + 1);
  if (!end.digits(kPreviousSize, seal.previous) || !end.word(kSealPrevious) ||
      !end.digits(kChainIdSize, seal.chain_id) || !end.word(kSealHead)) {
    return {};
  }
  return seal;
}

std::optional<CheckpointSeal> parse_checkpoint(std::string_view line) noexcept {
  if (line.find(kCheckpointStart) == std::string_view::npos) return {};
  const std::size_t start = line.find(kLineStart);
  const std::size_t last = line.rfind(kSealTail);
  if (start == std::string_view::npos || last == std::string_view::npos || last < start) return {};
  CheckpointSeal seal;
  seal.text = line.substr(start, last + kSealTail.size() - start);
  Backwards end(seal.text);
  if (!end.word(kSealTail) || !end.digits(kMacSize, seal.mac) || !end.word(kSealMac)) return {};
  seal.covered = seal.text.substr(0, end.rest().size() + 1);
  return seal;
}

Chain::Chain(const core::Secret& secret, const ChainOwner& owner)
    : id_(draw_id()),
      keys_(secret, view(id_)),
      checkpoint_head_(R"(Z","event":{"kind":"state","module":"guard",)") {
  checkpoint_head_.append(kCheckpointStart).append("},\"observer\":{\"hostname\":");
  append_capped(checkpoint_head_, owner.host, kHostMax);
  checkpoint_head_ += "},\"process\":{\"entity_id\":";
  append_capped(checkpoint_head_, owner.entity_id, kEntityMax);
  checkpoint_head_ += "},\"guard\":{\"checkpoint\":{\"log\":";
  append_capped(checkpoint_head_, owner.log, kLogMax);
  checkpoint_head_.append(",\"id\":\"").append(view(id_)).append("\",\"sequence\":");
  head_.mac.fill('A');
}

std::size_t Chain::seal(std::span<char> buffer, std::size_t size, std::uint64_t sequence,
                        std::uint64_t now_ms) noexcept {
  if (size < 2 || size > buffer.size() || buffer.size() - size < kSealSize) return 0;
  if (sequence <= head_.sequence || sequence > kSequenceMax) return 0;
  if (!keys_.advance(epoch_of(sequence))) return 0;
  Writer line(buffer.subspan(size - 2));
  line.put(kSealHead);
  line.put(view(id_));
  line.put(kSealPrevious);
  line.put(view(head_.mac).substr(0, kPreviousSize));
  line.put("\"");
  ChainKey mac;
  if (!keys_.compute({{buffer.data(), size - 2 + line.text().size()}}, mac)) return 0;
  next_ = {sequence, now_ms, mac_text(mac)};
  line.put(kSealMac.substr(1));
  line.put(view(next_.mac));
  line.put(kSealTail);
  line.put("\n");
  return size - 2 + line.text().size();
}

void Chain::took() noexcept {
  head_ = next_;
}

std::size_t Chain::checkpoint(CheckpointState state, std::uint64_t now_ms,
                              std::span<char, kCheckpointMax> out) noexcept {
  static_assert(kHostMax + kLogMax + kEntityMax + 512 < kCheckpointMax);
  const auto seconds = static_cast<std::time_t>(now_ms / 1000);
  std::tm date{};
  std::array<char, 32> digits;
  if (gmtime_r(&seconds, &date) == nullptr) return 0;
  const std::size_t size = std::strftime(digits.data(), digits.size(), "%Y-%m-%dT%H:%M:%S.", &date);
  const auto millisecond = static_cast<unsigned>(now_ms % 1000);
  const std::array<char, 3> fraction = {static_cast<char>('0' + millisecond / 100),
                                        static_cast<char>('0' + millisecond / 10 % 10),
                                        static_cast<char>('0' + millisecond % 10)};
  Writer line(out);
  line.put(kLineStart);
  line.put({digits.data(), size});
  line.put(view(fraction));
  line.put(checkpoint_head_);
  line.put(head_.sequence);
  line.put(",\"epoch\":");
  line.put(keys_.epoch());
  line.put(",\"time\":");
  line.put(head_.time_ms);
  line.put(",\"head\":\"");
  line.put(view(head_.mac));
  line.put("\",\"state\":\"");
  line.put(state == CheckpointState::end ? "end\"" : "open\"");
  ChainKey mac;
  if (!keys_.compute({kCheckpointLabel, line.text()}, mac)) return 0;
  line.put(kSealMac.substr(1));
  line.put(view(mac_text(mac)));
  line.put(kSealTail);
  line.put("\n");
  signed_ = head_.sequence;
  signed_ms_ = now_ms;
  return line.text().size();
}

}  // namespace guard::events
