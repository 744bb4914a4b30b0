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
        unescaped_(parser.unescaped_.data()),
        depth_limit_(std::min(limits.depth, kMaxJsonDepth)),
        keys_left_(limits.keys) {
    seek_backslash(0);
  }

  // False: the parser's error is set, but for its pointer. The state of the loop is in local
  // variables, since every byte that is written through a pointer would make members be read again.
  bool run() noexcept {
    const char* const text = text_;
    const std::uint32_t* token = token_;
    const std::uint32_t* const end = end_;
    JsonNode* const nodes = nodes_;
    std::uint32_t count = 0;
    std::uint32_t depth = 0;
    Frame* frame = frames_ - 1;
    bool in_object = false;

    const auto stop = [&](JsonFault fault, std::size_t at, std::string_view detail)
        __attribute__((always_inline)) {
      count_ = count;
      depth_ = depth;
      return fail(fault, at, detail);
    };
    const auto ended = [&]() __attribute__((always_inline)) {
      ran_out_ = true;
      return stop(JsonFault::syntax, text_size_, "the body ends before its JSON value does");
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
    // The string whose opening quote is at `at`, as a value or a key.
    const auto string = [&](JsonNode & node, std::uint32_t at, std::uint8_t flags)
        __attribute__((always_inline)) {
      std::uint32_t last = *token - 1;
      if (text[last] != '"' || last == at) {
        last = end_of(at) - 1;
        // The first stage has matched the quotes; this is for an implementation that would not.
        if (last == at || text[last] != '"') {
          return stop(JsonFault::syntax, at, "a string is not closed");
        }
      }
      const std::uint32_t size = last - at - 1;
      if (last > backslash_) {
        const Escaped result = escaped_string(node, at, size, flags);
        return result.detail.empty() || stop(result.fault, result.offset, result.detail);
      }
      if (size > limits_.string) return stop(JsonFault::string, at, kStringTooLong);
      fill(node, JsonType::string, flags, at + 1, size, count);
      return true;
    };

    for (;;) {
      if (in_object) {
        // A member's name and its colon.
        frame->key = kNoKey;
        if (token == end) return ended();
        const std::uint32_t at = *token++;
        if (text[at] != '"') {
          return stop(JsonFault::syntax, at, "expected a member name in double quotes");
        }
        if (keys_left_ == 0) {
          return stop(JsonFault::keys, at, "objects have too many members");
        }
        --keys_left_;
        JsonNode& key = nodes[count];
        if (!string(key, at, JsonNode::kKey)) return false;
        const std::uint32_t hash = hash_of(key);
        key.hash = hash;
        frame->key = count++;
        ++frame->count;
        const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
        frame->suspicious |= frame->bloom & bit;
        frame->bloom |= bit;
        if (token == end) return ended();
        if (text[*token] != ':') {
          return stop(JsonFault::syntax, *token, "expected a colon behind a member name");
        }
        ++token;
      }

      if (token == end) return ended();
      const std::uint32_t at = *token++;
      const char first = text[at];
      JsonNode& node = nodes[count++];
      if (first == '"') {
        if (!string(node, at, 0)) return false;
      } else {
        switch (first) {
          case '{':
          case '[':
            if (depth == depth_limit_) {
              return stop(JsonFault::depth, at, "containers are nested too deeply");
            }
            // The closing brackets are two above the opening ones.
            fill(node, first == '{' ? JsonType::object : JsonType::array, 0, at, 0, count);
            if (token != end && text[*token] == first + 2) {
              ++token;
              break;
            }
            in_object = first == '{';
            ++depth;
            *++frame = {0, 0, count - 1, in_object ? 0U : 1U, kNoKey, in_object};
            continue;
          case '-':
          case '0':
          case '1':
          case '2':
          case '3':
          case '4':
          case '5':
          case '6':
          case '7':
          case '8':
          case '9': {
            const std::uint32_t size = end_of(at) - at;
            std::uint8_t flags = short_number(at, size);
            if (flags == kNotShort) {
              const Number number = long_number({text + at, size});
              if (!number.detail.empty()) return stop(number.fault, at, number.detail);
              flags = number.flags;
            }
            fill(node, JsonType::number, flags, at, size, count);
            break;
          }
          case 't':
            if (end_of(at) - at != 4 || std::memcmp(text + at, "true", 4) != 0) {
              return stop(JsonFault::syntax, at, kBadLiteral);
            }
            fill(node, JsonType::boolean, JsonNode::kTrue, at, 4, count);
            break;
          case 'f':
            if (end_of(at) - at != 5 || std::memcmp(text + at, "false", 5) != 0) {
              return stop(JsonFault::syntax, at, kBadLiteral);
            }
            fill(node, JsonType::boolean, 0, at, 5, count);
            break;
          case 'n':
            if (end_of(at) - at != 4 || std::memcmp(text + at, "null", 4) != 0) {
              return stop(JsonFault::syntax, at, kBadLiteral);
            }
            fill(node, JsonType::null, 0, at, 4, count);
            break;
          default:
            return stop(JsonFault::syntax, at, "expected a value");
        }
      }

      // Behind a value: a comma, or the ends of containers.
      for (;;) {
        if (depth == 0) {
          count_ = count;
          if (token == end) return true;
          return stop(JsonFault::syntax, *token, "there is data behind the JSON value");
        }
        if (token == end) return ended();
        const std::uint32_t behind = *token++;
        const char c = text[behind];
        if (c == ',') {
          if (!in_object && frame->count++ == limits_.array) {
            --depth;  // the place is the array, not an element of it
            return stop(JsonFault::array, behind, "an array has too many elements");
          }
          break;
        }
        if (c != (in_object ? '}' : ']')) {
          return stop(JsonFault::syntax, behind,
                      in_object ? "expected a comma or a closing brace"
                                : "expected a comma or a closing bracket");
        }
        JsonNode& container = nodes[frame->node];
        container.size = frame->count;
        container.next = count;
        if (frame->suspicious != 0 && !limits_.duplicates) {
          count_ = count;
          depth_ = depth;
          if (!keys_differ(*frame)) return false;
        }
        --depth;
        --frame;
        in_object = depth != 0 && frame->object;
      }
    }
  }

  std::uint32_t node_count() const { return count_; }
  // The text ended before the value did, and that was the fault.
  bool ran_out() const { return ran_out_; }

  // The pointer of where the walk stands.
  std::string_view pointer() noexcept {
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < depth_; ++i) {
      const Frame& frame = frames_[i];
      char digits[10];
      std::string_view token;
      if (!frame.object) {
        std::size_t at = sizeof digits;
        std::uint32_t index = frame.count - 1;
        do {
          digits[--at] = static_cast<char>('0' + index % 10);
          index /= 10;
        } while (index != 0);
        token = {digits + at, sizeof digits - at};
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
  static constexpr std::string_view kBadLiteral = "invalid literal";
  static constexpr std::uint8_t kNotShort = 0xFF;

  // The node flags of an integer or decimal without exponent of up to 16 bytes, which is within the
  // range of every mode; kNotShort for all else, valid or not.
  std::uint8_t short_number(std::uint32_t at, std::uint32_t size) const noexcept {
#if defined(__SSE2__)
    if (size > 16 || at + 16 > text_size_) return kNotShort;
    const char* const p = text_ + at;
    // A digit minus '0' is below 10, unsigned: compared as signed behind a shift of the range.
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i shifted = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>('0' - 128)));
    const __m128i is_digit = _mm_cmplt_epi8(shifted, _mm_set1_epi8(-128 + 10));
    const std::uint32_t all = (1U << size) - 1;
    std::uint32_t others = ~static_cast<std::uint32_t>(_mm_movemask_epi8(is_digit)) & all;
    const std::uint32_t sign = *p == '-' ? 1 : 0;
    const auto negative = static_cast<std::uint8_t>(sign * JsonNode::kNegative);
    others &= ~sign;
    if (others == 0) {
      const bool valid = size == sign + 1 || (size > sign && p[sign] != '0');
      return valid ? static_cast<std::uint8_t>(negative | JsonNode::kInteger) : kNotShort;
    }
    const auto point = static_cast<std::uint32_t>(__builtin_ctz(others));
    const bool valid = (others & (others - 1)) == 0 && p[point] == '.' && point > sign &&
                       point + 1 < size && (p[sign] != '0' || point == sign + 1);
    return valid ? negative : kNotShort;
#else
    static_cast<void>(at);
    static_cast<void>(size);
    return kNotShort;
#endif
  }

  struct Number {
    JsonFault fault = JsonFault::syntax;
    std::string_view detail;  // empty: no fault
    std::uint8_t flags = 0;
  };

  [[gnu::noinline]] Number long_number(std::string_view text) const noexcept {
    // Whatever a longer one is, it is not read to its end.
    if (text.size() > kMaxNumberBytes) return {JsonFault::number, "a number is too long"};
    JsonNumber number;
    if (!parse_json_number(text, number)) return {JsonFault::syntax, "invalid number"};
    if (!in_range(number, limits_.number)) return {JsonFault::number, "a number is out of range"};
    return {JsonFault::number, "",
            static_cast<std::uint8_t>((number.negative ? JsonNode::kNegative : 0) |
                                      (number.is_integer() ? JsonNode::kInteger : 0) |
                                      (number.exponent.empty() ? 0 : JsonNode::kExponent))};
  }

  struct Escaped {
    JsonFault fault = JsonFault::syntax;
    std::size_t offset = 0;
    std::string_view detail;  // empty: no fault
  };

  // The string of size raw bytes whose opening quote is at `at`.
  [[gnu::noinline]] Escaped escaped_string(JsonNode& node, std::uint32_t at, std::uint32_t size,
                                           std::uint8_t flags) noexcept {
    const std::uint32_t begin = at + 1;
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
         static_cast<std::uint32_t>(&node - nodes_) + 1);
    unescaped_size_ += result.size;
    seek_backslash(begin + size);
    return {};
  }

  std::uint32_t hash_of(const JsonNode& key) const noexcept {
    const std::string_view name = text_of(key);
    const bool moved = (key.flags & JsonNode::kUnescaped) != 0;
    if (name.size() >= 8 || moved || key.offset + 8 > text_size_) {
      return json_key_hash(name.data(), name.size());
    }
    // Eight bytes of the text, without those that are not the name's.
    std::uint64_t a;
    std::memcpy(&a, name.data(), 8);
    if constexpr (std::endian::native == std::endian::little) {
      a &= (std::uint64_t{1} << (8 * name.size())) - 1;
    } else {
      a &= ~(~std::uint64_t{0} >> (8 * name.size()));
    }
    return json_key_hash(a, 0, name.size());
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
  const std::uint32_t* token_;
  const std::uint32_t* end_;
  JsonNode* nodes_;
  Frame* frames_;
  char* unescaped_;
  std::size_t unescaped_size_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t depth_limit_;
  std::uint32_t keys_left_;
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
