#include "core/json_parser.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "core/json_pointer.h"
#include "core/json_scan.h"
#include "core/json_string.h"

namespace guard::core {
namespace {

constexpr std::uint32_t kNoKey = 0;  // a key is never the first node

// Up to here every pair of keys is compared, above they are hashed.
constexpr std::uint32_t kPairwise = 16;

constexpr std::string_view kNoMemory = "no memory is left to check the body";

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// RFC 4627, section 3: the first two characters of a JSON text are ASCII, so that zero bytes among
// the first two give UTF-16 and UTF-32 away.
bool looks_wide(std::string_view text) noexcept {
  return text.size() >= 2 && (text[0] == '\0' || text[1] == '\0');
}

}  // namespace

// One pass over the tokens. What it reads is between two tokens' offsets or a token's own first
// byte, so nothing behind the text is ever touched.
class JsonParser::Walk {
 public:
  Walk(JsonParser& parser, std::string_view text, const JsonLimits& limits) noexcept
      : parser_(parser),
        limits_(limits),
        text_(text.data()),
        text_size_(static_cast<std::uint32_t>(text.size())),
        token_(parser.stage1_->structural_indexes.get()),
        end_(token_ + parser.token_count_),
        nodes_(parser.nodes_.data()),
        frames_(parser.frames_.data()),
        frame_(frames_),
        unescaped_(parser.unescaped_.data()) {
    *frame_ = {};
    const std::size_t tokens = parser.token_count_ < 3 ? 0 : parser.token_count_ - 3;
    steady_end_ = token_ + std::min(tokens, std::size_t{3} * limits.keys);
    seek_backslash(0);
  }

  // False: the parser's error is set, but for its pointer.
  bool run() noexcept {
    const bool scalar = token_ == end_ || (text_[*token_] != '{' && text_[*token_] != '[');
    return scalar ? walk<true>() : walk<false>();
  }

  std::uint32_t node_count() const { return count_; }
  // The text ended before the value did, and that was the fault.
  bool ran_out() const { return ran_out_; }

  // The pointer of where the walk stands.
  std::string_view pointer() noexcept {
    std::size_t size = 0;
    for (const Frame* at = frames_ + 1; at <= frame_; ++at) {
      const Frame& frame = *at;
      char digits[10];
      std::string_view token;
      if (frame.closing != '}') {
        std::size_t from = sizeof digits;
        std::uint32_t index = frame.count - 1;
        do {
          digits[--from] = static_cast<char>('0' + index % 10);
          index /= 10;
        } while (index != 0);
        token = {digits + from, sizeof digits - from};
      } else if (frame.key != kNoKey) {
        token = text_of(nodes_[frame.key]);
      } else {
        break;
      }
      if (!append_pointer_token(parser_.pointer_.data(), size, kMaxPointer, token)) break;
    }
    return {parser_.pointer_.data(), size};
  }

 private:
  static constexpr std::string_view kStringTooLong = "a string is too long";
  static constexpr std::string_view kNotClosed = "a string is not closed";
  static constexpr std::uint8_t kNotShort = 0xFF;

  // A member is at least a name, a colon, a value and what stands behind that, an element a value
  // and what stands behind it. While so many tokens are left, and the value is no container, nobody
  // needs to ask whether there is another one; and three tokens a member, those before it has
  // ended, say how soon there can be too many. The rest is walked with kCareful, which looks each
  // time. The state of the loop is in local variables, since every byte that is written through a
  // pointer would make members be read again.
  template <bool kCareful>
  bool walk() noexcept {
    const char* const text = text_;
    const std::uint32_t* token = token_;
    const std::uint32_t* const end = end_;
    const std::uint32_t* const steady_end = steady_end_;
    const Frame* const outside = frames_;
    const Frame* const innermost = frames_ + std::min(limits_.depth, kMaxJsonDepth);
    const std::uint32_t array_limit = limits_.array;
    std::uint32_t plain = plain_;
    std::uint32_t keys_left = kCareful ? limits_.keys - count_keys() : 0;
    std::uint32_t count = count_;
    JsonNode* node = nodes_ + count;  // the next one
    Frame* frame = frame_;
    char closing = frame->closing;

    const auto stop = [&](JsonFault fault, std::size_t at, std::string_view detail)
        __attribute__((always_inline)) {
      return fail_in(frame, fault, at, detail);
    };
    const auto ended = [&]() __attribute__((always_inline)) {
      ran_out_ = true;
      return stop(JsonFault::syntax, text_size_, "the body ends before its JSON value does");
    };
    // The fault is the object's, not a member's.
    const auto nameless = [&](bool answer) __attribute__((always_inline)) {
      frame->key = kNoKey;
      return answer;
    };
    // The end of the token at `at`: the next token begins, or the text ends, at *token, and only
    // blanks lie between.
    const auto end_of = [&](std::uint32_t at) __attribute__((always_inline)) {
      std::uint32_t last = *token;
      // Bodies that programs write have no blanks.
      if (text[last - 1] > ' ') return last;
      while (last > at + 1 && is_blank(text[last - 1])) --last;
      return last;
    };
    // The offset of the closing quote of the string whose opening one is at `at`; `at`: there is
    // none. The first stage has matched the quotes; this is for an implementation that would not.
    const auto end_of_string = [&](std::uint32_t at) __attribute__((always_inline)) {
      std::uint32_t last = *token - 1;
      if (text[last] == '"') return last;
      last = end_of(at) - 1;
      return text[last] == '"' ? last : at;
    };
    // The string from `at` to `last` as the next node, though it is not plain.
    const auto other_string = [&](std::uint32_t at, std::uint32_t last, std::uint8_t flags)
        __attribute__((always_inline)) {
      const Read result = read_string(*node, at, last - at - 1, flags);
      plain = plain_;
      return result.detail.empty() || stop(result.fault, result.offset, result.detail);
    };
    const auto finish = [&]() __attribute__((always_inline)) {
      token_ = token;
      count_ = count;
      frame_ = frame;
      return walk<true>();
    };

    for (;;) {
      if (closing == '}') {
        // A member's name and its colon.
        if (!kCareful && token >= steady_end) return finish();
        if (kCareful && token == end) return nameless(ended());
        const std::uint32_t at = *token++;
        if (text[at] != '"') {
          return nameless(stop(JsonFault::syntax, at, "expected a member name in double quotes"));
        }
        if (kCareful && keys_left-- == 0) {
          return nameless(stop(JsonFault::keys, at, "objects have too many members"));
        }
        const std::uint32_t last = end_of_string(at);
        if (last == at) return nameless(stop(JsonFault::syntax, at, kNotClosed));
        std::uint32_t hash;
        if (last > plain) {
          if (!other_string(at, last, JsonNode::kKey)) return nameless(false);
          hash = json_key_hash(text_of(*node));
          node->hash = hash;
        } else {
          const std::uint32_t size = last - at - 1;
          hash = hash_of(text + at + 1, size);
          fill(*node, JsonType::string, JsonNode::kKey, at + 1, size, hash);
        }
        frame->key = count;
        ++frame->count;
        const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
        frame->suspicious |= frame->bloom & bit;
        frame->bloom |= bit;
        ++node;
        ++count;
        if (kCareful && token == end) return ended();
        if (text[*token] != ':') {
          return stop(JsonFault::syntax, *token, "expected a colon behind a member name");
        }
        ++token;
      } else if (!kCareful && end - token < 2) {
        return finish();
      }

      if (kCareful && token == end) return ended();
      const std::uint32_t at = *token++;
      const char first = text[at];
      bool scalar = true;
      // True: an empty one, which has ended.
      const auto open = [&](JsonType type, char close) __attribute__((always_inline)) {
        fill(*node++, type, 0, at, 0, count + 1);
        if ((!kCareful || token != end) && text[*token] == close) {
          ++token;
          ++count;
          return true;
        }
        *++frame = {0, 0, count++, close == '}' ? 0U : 1U, kNoKey, close};
        closing = close;
        return false;
      };
      const auto number = [&](bool negative) __attribute__((always_inline)) {
        const std::uint32_t size = end_of(at) - at;
        std::uint8_t flags = short_number(at, size, negative);
        if (flags == kNotShort) {
          const Read result = long_number({text + at, size}, flags);
          if (!result.detail.empty()) return stop(result.fault, at, result.detail);
        }
        fill(*node++, JsonType::number, flags, at, size, ++count);
        return true;
      };
      const auto literal = [&](std::string_view word, JsonType type, std::uint8_t flags)
          __attribute__((always_inline)) {
        const auto size = static_cast<std::uint32_t>(word.size());
        if (end_of(at) - at != size || std::memcmp(text + at, word.data(), word.size()) != 0) {
          return stop(JsonFault::syntax, at, "invalid literal");
        }
        fill(*node++, type, flags, at, size, ++count);
        return true;
      };

      if (first == '"') {
        const std::uint32_t last = end_of_string(at);
        if (last == at) return stop(JsonFault::syntax, at, kNotClosed);
        if (last > plain) {
          if (!other_string(at, last, 0)) return false;
          ++node;
          ++count;
        } else {
          fill(*node++, JsonType::string, 0, at + 1, last - at - 1, ++count);
        }
      } else if (first >= '0' && first <= '9') {
        if (!number(false)) return false;
      } else if (first == '{' || first == '[') {
        if (frame == innermost) {
          return stop(JsonFault::depth, at, "containers are nested too deeply");
        }
        if (first == '{' ? !open(JsonType::object, '}') : !open(JsonType::array, ']')) continue;
        scalar = false;
      } else if (first == '-') {
        if (!number(true)) return false;
      } else if (first == 't') {
        if (!literal("true", JsonType::boolean, JsonNode::kTrue)) return false;
      } else if (first == 'f') {
        if (!literal("false", JsonType::boolean, 0)) return false;
      } else if (first == 'n') {
        if (!literal("null", JsonType::null, 0)) return false;
      } else {
        return stop(JsonFault::syntax, at, "expected a value");
      }

      // Behind a value: a comma, or the ends of containers.
      for (;;) {
        if (kCareful || !scalar) {
          if (frame == outside) {
            count_ = count;
            frame_ = frame;
            if (token == end) return true;
            return stop(JsonFault::syntax, *token, "there is data behind the JSON value");
          }
          if (token == end) return ended();
        }
        const std::uint32_t behind = *token++;
        const char c = text[behind];
        if (c == ',') {
          if (closing == ']' && frame->count++ == array_limit) {
            --frame;  // the place is the array, not an element of it
            return stop(JsonFault::array, behind, "an array has too many elements");
          }
          break;
        }
        if (c != closing) {
          return stop(JsonFault::syntax, behind,
                      closing == '}' ? "expected a comma or a closing brace"
                                     : "expected a comma or a closing bracket");
        }
        JsonNode& container = nodes_[frame->node];
        container.size = frame->count;
        container.next = count;
        if (frame->suspicious != 0 && !limits_.duplicates) {
          count_ = count;
          frame_ = frame;
          if (!keys_differ(*frame)) return false;
        }
        --frame;
        closing = frame->closing;
        scalar = false;
      }
    }
  }

  // Members so far.
  [[gnu::cold, gnu::noinline]] std::uint32_t count_keys() const noexcept {
    return static_cast<std::uint32_t>(
        std::count_if(nodes_, nodes_ + count_, [](const JsonNode& node) { return node.is_key(); }));
  }

  // The node flags of an integer or decimal without exponent of up to 16 bytes, which is within the
  // range of every mode; kNotShort for all else, valid or not.
  std::uint8_t short_number(std::uint32_t at, std::uint32_t size, bool negative) const noexcept {
#if defined(__SSE2__)
    if (size > 16 || at + 16 > text_size_) return kNotShort;
    const char* const p = text_ + at;
    // A digit minus '0' is below 10, unsigned: compared as signed behind a shift of the range.
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>('0' - 128)));
    const __m128i is_digit = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 10));
    const std::uint32_t all = (1U << size) - 1;
    std::uint32_t others = ~static_cast<std::uint32_t>(_mm_movemask_epi8(is_digit)) & all;
    const std::uint32_t sign = negative ? 1 : 0;
    const std::uint8_t flags = negative ? JsonNode::kNegative : 0;
    others &= ~sign;
    if (others == 0) {
      const bool valid = size == sign + 1 || (size > sign && p[sign] != '0');
      return valid ? static_cast<std::uint8_t>(flags | JsonNode::kInteger) : kNotShort;
    }
    const auto point = static_cast<std::uint32_t>(__builtin_ctz(others));
    const bool valid = (others & (others - 1)) == 0 && p[point] == '.' && point > sign &&
                       point + 1 < size && (p[sign] != '0' || point == sign + 1);
    return valid ? flags : kNotShort;
#else
    static_cast<void>(at);
    static_cast<void>(size);
    static_cast<void>(negative);
    return kNotShort;
#endif
  }

  struct Read {
    JsonFault fault = JsonFault::syntax;
    std::size_t offset = 0;
    std::string_view detail;  // empty: no fault
  };

  [[gnu::noinline]] Read long_number(std::string_view text, std::uint8_t& flags) const noexcept {
    // Whatever a longer one is, it is not read to its end.
    if (text.size() > kMaxNumberBytes) return {JsonFault::number, 0, "a number is too long"};
    JsonNumber number;
    if (!parse_json_number(text, number)) return {JsonFault::syntax, 0, "invalid number"};
    if (!in_range(number, limits_.number)) {
      return {JsonFault::number, 0, "a number is out of range"};
    }
    flags = static_cast<std::uint8_t>((number.negative ? JsonNode::kNegative : 0) |
                                      (number.is_integer() ? JsonNode::kInteger : 0) |
                                      (number.exponent.empty() ? 0 : JsonNode::kExponent));
    return {};
  }

  // The string of size raw bytes whose opening quote is at `at`, which ends behind plain_.
  [[gnu::noinline]] Read read_string(JsonNode& node, std::uint32_t at, std::uint32_t size,
                                     std::uint8_t flags) noexcept {
    const std::uint32_t begin = at + 1;
    const auto next = static_cast<std::uint32_t>(&node - nodes_) + 1;
    if (backslash_ >= begin + size) {
      if (size > limits_.string) return {JsonFault::string, at, kStringTooLong};
      fill(node, JsonType::string, flags, begin, size, next);
      set_plain(begin);
      return {};
    }
    if (!parser_.unescaped_.reserve(parser_.document_.text().size(), kKeepSize)) {
      return {JsonFault::memory, at, kNoMemory};
    }
    unescaped_ = parser_.unescaped_.data();
    const Unescaped result = unescape_json({text_ + begin, size}, unescaped_ + unescaped_size_);
    switch (result.fault) {
      case UnescapeFault::none:
        break;
      case UnescapeFault::invalid:
        return {JsonFault::syntax, begin + result.offset, "invalid escape in a string"};
      case UnescapeFault::surrogate:
        return {JsonFault::encoding, begin + result.offset,
                "an escape stands for half a surrogate pair"};
    }
    if (result.size > limits_.string) return {JsonFault::string, at, kStringTooLong};
    if (result.has_nul && (flags & JsonNode::kKey) != 0) {
      return {JsonFault::syntax, at, "a member name contains U+0000"};
    }
    fill(node, JsonType::string, static_cast<std::uint8_t>(flags | JsonNode::kUnescaped),
         static_cast<std::uint32_t>(unescaped_size_), static_cast<std::uint32_t>(result.size),
         next);
    unescaped_size_ += result.size;
    seek_backslash(begin + size);
    return {};
  }

  // Of a name without escapes.
  std::uint32_t hash_of(const char* name, std::uint32_t size) const noexcept {
    if (size >= 8 || text_ + text_size_ - name < 8) return json_key_hash(name, size);
    // Eight bytes of the text, without those that are not the name's.
    std::uint64_t a;
    std::memcpy(&a, name, 8);
    if constexpr (std::endian::native == std::endian::little) {
      a &= (std::uint64_t{1} << (8 * size)) - 1;
    } else {
      a &= ~(~std::uint64_t{0} >> (8 * size));
    }
    return json_key_hash(a, 0, size);
  }

  [[gnu::noinline]] bool keys_differ(Frame& frame) noexcept {
    return frame.count <= kPairwise ? pairs_differ(frame) : hashes_differ(frame);
  }

  bool same_key(const JsonNode& a, const JsonNode& b) const noexcept {
    return a.hash == b.hash && text_of(a) == text_of(b);
  }

  bool pairs_differ(Frame& frame) noexcept {
    std::array<std::uint32_t, kPairwise> keys;
    std::uint32_t count = 0;
    for (std::uint32_t i = frame.node + 1; i < count_; i = nodes_[i + 1].next) {
      for (std::uint32_t k = 0; k < count; ++k) {
        if (same_key(nodes_[keys[k]], nodes_[i])) return repeated(frame, i);
      }
      keys[count++] = i;
    }
    return true;
  }

  enum class Keys : unsigned char { differ, repeat, collide };

  // The nodes' own hashes do for names that nobody has chosen to collide; for those, SipHash with a
  // key that the client does not know.
  bool hashes_differ(Frame& frame) noexcept {
    std::size_t capacity = std::size_t{2} * kPairwise;
    while (capacity < 2 * std::size_t{frame.count}) capacity *= 2;
    if (!parser_.slots_.reserve(capacity, kKeepSize / sizeof(KeySlot))) {
      return fail(JsonFault::memory, nodes_[frame.node].offset, kNoMemory);
    }
    std::uint64_t steps = 64 + 4 * std::uint64_t{frame.count};
    Keys keys = compare_keys(frame, capacity, steps, [](const JsonNode& key) { return key.hash; });
    if (keys == Keys::collide) {
      const KeyedHash keyed(parser_.seed_);
      steps = std::numeric_limits<std::uint64_t>::max();
      keys = compare_keys(frame, capacity, steps, [&](const JsonNode& key) {
        return static_cast<std::uint32_t>(keyed.hash64({text_of(key)}));
      });
    }
    return keys == Keys::differ || repeated(frame, repeated_key_);
  }

  // Linear probing at a load of at most a half; collide after so many steps over taken slots.
  template <class Hash>
  Keys compare_keys(const Frame& frame, std::size_t capacity, std::uint64_t steps,
                    Hash&& hash_of_key) noexcept {
    KeySlot* const slots = parser_.slots_.data();
    std::memset(slots, 0, capacity * sizeof(KeySlot));
    for (std::uint32_t i = frame.node + 1; i < count_; i = nodes_[i + 1].next) {
      const std::uint32_t hash = hash_of_key(nodes_[i]);
      std::size_t slot = hash & (capacity - 1);
      for (; slots[slot].node != 0; slot = (slot + 1) & (capacity - 1)) {
        if (slots[slot].hash == hash && text_of(nodes_[slots[slot].node]) == text_of(nodes_[i])) {
          repeated_key_ = i;
          return Keys::repeat;
        }
        if (steps-- == 0) return Keys::collide;
      }
      slots[slot] = {hash, i};
    }
    return Keys::differ;
  }

  bool repeated(Frame& frame, std::uint32_t key) noexcept {
    frame.key = key;
    const JsonNode& node = nodes_[key];
    const bool moved = (node.flags & JsonNode::kUnescaped) != 0;
    return fail(JsonFault::duplicate_key, moved ? nodes_[frame.node].offset : node.offset - 1,
                "an object has two members of the same name");
  }

  std::string_view text_of(const JsonNode& node) const noexcept {
    const bool moved = (node.flags & JsonNode::kUnescaped) != 0;
    return {(moved ? unescaped_ : text_) + node.offset, node.size};
  }

  static void fill(JsonNode& node, JsonType type, std::uint8_t flags, std::uint32_t offset,
                   std::uint32_t size, std::uint32_t next) noexcept {
    node.type = type;
    node.flags = flags;
    node.reserved = 0;
    node.offset = offset;
    node.size = size;
    node.next = next;
  }

  // Most texts hold few backslashes: one search for the next tells all strings before it apart.
  void seek_backslash(std::uint32_t from) noexcept {
    const void* found = std::memchr(text_ + from, '\\', text_size_ - from);
    backslash_ = found == nullptr
                     ? text_size_
                     : static_cast<std::uint32_t>(static_cast<const char*>(found) - text_);
    set_plain(from);
  }

  // No string that begins at from or later and ends before plain_ is too long or holds an escape.
  void set_plain(std::uint32_t from) noexcept {
    plain_ = std::min(backslash_, from + std::min(limits_.string, kMaxJsonSize));
  }

  [[gnu::cold, gnu::noinline]] bool fail_in(Frame* frame, JsonFault fault, std::size_t offset,
                                            std::string_view detail) noexcept {
    frame_ = frame;
    return fail(fault, offset, detail);
  }

  [[gnu::cold, gnu::noinline]] bool fail(JsonFault fault, std::size_t offset,
                                         std::string_view detail) noexcept {
    parser_.set_error(fault, offset, detail);
    return false;
  }

  JsonParser& parser_;
  const JsonLimits& limits_;
  const char* text_;
  std::uint32_t text_size_;
  std::uint32_t backslash_ = 0;  // offset of the next one, or the text's end
  std::uint32_t plain_ = 0;
  const std::uint32_t* token_;
  const std::uint32_t* end_;
  const std::uint32_t* steady_end_;  // of members that begin before it nothing is asked
  JsonNode* nodes_;
  Frame* frames_;  // the first one stands for what is outside the root
  Frame* frame_;
  char* unescaped_;
  std::size_t unescaped_size_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t repeated_key_ = 0;  // where compare_keys found one
  bool ran_out_ = false;
};

JsonParser::JsonParser() noexcept : seed_(draw_sip_key()) {}

JsonParser::~JsonParser() = default;

std::size_t JsonParser::memory() const noexcept {
  const std::size_t tokens = stage1_ == nullptr ? 0 : stage1_->capacity() * sizeof(std::uint32_t);
  return tokens + nodes_.bytes() + unescaped_.bytes() + slots_.bytes();
}

void JsonParser::set_error(JsonFault fault, std::size_t offset, std::string_view detail) noexcept {
  error_ = {fault, static_cast<std::uint32_t>(offset), detail, {}};
}

// Makes room for the first stage.
bool JsonParser::prepare(std::string_view text) noexcept {
  const std::size_t held = stage1_ == nullptr ? 0 : stage1_->capacity();
  const bool wasteful = held > kKeepSize && text.size() < held / 4;
  if (text.size() <= held && !wasteful) return true;
  const std::size_t wanted = std::max<std::size_t>(text.size() + text.size() / 4, 4096);
  const auto error = stage1_ == nullptr
                         ? simdjson::get_active_implementation()->create_dom_parser_implementation(
                               wanted, 1, stage1_)
                         : stage1_->set_capacity(wanted);
  if (error == simdjson::SUCCESS) return true;
  stage1_.reset();
  return false;
}

// False: the text has a fault that the first stage notices.
bool JsonParser::find_tokens(std::string_view text) noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto error = stage1_->stage1(bytes, text.size(), simdjson::stage1_mode::regular);
  token_count_ = stage1_->n_structural_indexes;
  return error == simdjson::SUCCESS;
}

const JsonDocument* JsonParser::parse(std::string_view text, const JsonLimits& limits) noexcept {
  const std::uint32_t size_limit = std::min(limits.size, kMaxJsonSize);
  if (text.size() > size_limit) {
    set_error(JsonFault::size, size_limit, "the body is too large");
    return nullptr;
  }
  if (text.empty()) {
    set_error(JsonFault::syntax, 0, "the body is empty");
    return nullptr;
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    set_error(JsonFault::encoding, 0, "the body begins with a byte order mark");
    return nullptr;
  }
  if (looks_wide(text)) {
    set_error(JsonFault::encoding, 0, "the body is UTF-16 or UTF-32, not UTF-8");
    return nullptr;
  }
  document_ = JsonDocument(text, nullptr, {});
  if (std::all_of(text.begin(), text.end(), is_blank)) {
    set_error(JsonFault::syntax, text.size(), "the body holds only blanks");
    return nullptr;
  }
  // Every value but the first has a comma, a colon, a key or a closing bracket of its own before it
  // is complete, so that at most half the tokens, and the open containers, are nodes.
  bool memory = prepare(text);
  const bool sound = memory && find_tokens(text);
  const ScannedFault lexical =
      sound || !memory ? ScannedFault{}
                       : scan_json(text, stage1_->structural_indexes.get(), token_count_);
  memory = memory &&
           nodes_.reserve(token_count_ / 2 + limits.depth + 4, kKeepSize / sizeof(JsonNode) * 4);
  if (!memory) {
    set_error(JsonFault::memory, 0, kNoMemory);
    return nullptr;
  }
  Walk walk(*this, sound ? text : text.substr(0, lexical.offset), limits);
  const bool valid = walk.run();
  if (valid && sound) {
    document_ = JsonDocument(text, unescaped_.data(), {nodes_.data(), walk.node_count()});
    return &document_;
  }
  // A fault of the grammar or of a limit that comes before the one of the first stage goes first.
  if (!sound && (valid || walk.ran_out())) {
    set_error(lexical.encoding ? JsonFault::encoding : JsonFault::syntax, lexical.offset,
              lexical.detail);
  }
  error_.pointer = walk.pointer();
  return nullptr;
}

}  // namespace guard::core
