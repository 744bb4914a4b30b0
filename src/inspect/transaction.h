// A request as rules see it: its parts under the names of collections, each value with what is
// known of its bytes. Names and values are as ModSecurity v3 has them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json_document.h"
#include "core/json_parser.h"
#include "inspect/arena.h"
#include "inspect/transformation.h"
#include "inspect/vocabulary.h"

namespace guard::inspect {

class XmlText;
struct KnownValue;

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// What of a request comes from outside this room. Everything must live as long as the inspection.
struct RequestView {
  std::string_view method;
  std::string_view target;   // as the client sent it
  std::string_view version;  // "1.1"
  std::span<const HeaderField> headers;
  std::string_view client_address;
  std::string_view client_port;
  std::string_view server_address;
  std::string_view server_port;
  std::string_view unique_id;
  // What the application gets as query, where that is not the client's.
  std::optional<std::string_view> rewritten_query = {};
};

// An answer, for the rules about it. body: as much of it as is looked at.
struct ResponseView {
  std::string_view status;   // "200"
  std::string_view version;  // "1.1"
  std::string_view content_type;
  std::string_view content_length;  // empty: not known
  std::span<const HeaderField> headers;
  std::string_view body;
  bool body_cut = false;  // there is more of it
};

enum class BodyProcessor : std::uint8_t { none, urlencoded, multipart, json, xml };

// Patterns are searched for in tiers: a value that can hold none of a tier's is not searched.
inline constexpr std::size_t kTiers = 3;

// A value of a collection. Traits are looked at when first asked for.
// What tells most names apart, ignoring case: their length, and three of their bytes.
inline std::uint32_t tag_of(std::string_view name) noexcept {
  if (name.empty()) return 0;
  const auto byte = [&](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(name[at])) | 0x20U;
  };
  return (static_cast<std::uint32_t>(name.size()) & 0xffU) | byte(0) << 8 |
         byte(name.size() / 2) << 16 | byte(name.size() - 1) << 24;
}

struct Field {
  static constexpr Traits kUnknown = Traits{1} << 63;
  // Not searched, since nothing of what is searched for can be there.
  static constexpr std::uint8_t kUnscanned = 0xff;

  std::string_view name;
  std::string_view value;
  Traits value_traits = kUnknown;
  Traits name_traits = kUnknown;
  // In which group each tier of the scan has seen it: 0 to 63, or kUnscanned.
  std::array<std::uint8_t, kTiers> value_groups{};
  std::array<std::uint8_t, kTiers> name_groups{};
  // A schema has confined the value to something that holds no attack.
  bool trusted = false;
  // Another reading of the value of one that is there: it is not counted, nor its name.
  bool again = false;
  std::uint32_t name_tag = 0;
  // What is remembered of them; null: nothing.
  KnownValue* known_value = nullptr;
  KnownValue* known_name = nullptr;
};

// What collections are made of.
enum class List : std::uint8_t {
  args_get,
  args_post,  // of forms
  args_body,  // of JSON: in ARGS, but not in ARGS_POST
  headers,
  cookies,
  files,
  file_sizes,
  part_headers,
  part_filenames,
  part_names,
  xml_text,
  xml_attributes,
  path_tails,
  users,
  response_headers,
  single,  // one value of its own for each collection that is no list
};

inline constexpr std::size_t kListCount = 15;

// Which lists a collection is, and whether of them it is the names.
struct ListView {
  std::array<List, 3> lists{};
  std::uint8_t count = 0;
  bool names = false;
};

ListView lists_of(Collection collection) noexcept;

// Whether a text may be JSON, as far as its first bytes tell; Python takes NaN and Infinity, too.
bool begins_json(std::string_view text) noexcept;
// Of such a text, whether it is an object or an array.
bool holds_values(std::string_view text) noexcept;
// Those that hide a letter or a mark of ASCII.
bool has_escapes(std::string_view text) noexcept;

struct TransactionLimits {
  std::uint32_t arguments = 10'000;
  // Bytes of all names that JSON makes: each value has the whole way to it as its name.
  std::uint64_t names = 64U << 20;
  std::uint32_t json_depth = 512;
  bool full_request = false;  // FULL_REQUEST is asked for
};

class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Forgets the last request. Throws std::bad_alloc, as the others do.
  void begin(const RequestView& view, const TransactionLimits& limits);
  // The body, for the second phase. processor: as headers or rules have it.
  void add_body(std::string_view body, BodyProcessor processor);
  // The same where it is parsed already; document: of body. trusted: a bit for each node, set of
  // values that are not to be searched; empty: all are.
  void add_json_body(std::string_view body, const core::JsonDocument& document,
                     std::span<const std::uint64_t> trusted);

  void add_response(const ResponseView& view);

  BodyProcessor processor() const { return processor_; }
  void set_processor(BodyProcessor processor);

  std::vector<Field>& list(List list) { return lists_[static_cast<std::size_t>(list)]; }
  Field& single(Collection collection) { return singles_[index_of(collection)]; }

  // Of a list, the first value of that name, ignoring case.
  std::optional<std::string_view> first(Collection collection, std::string_view name) noexcept;
  // More arguments than there may be: the rest are not there.
  bool too_many_arguments() const { return too_many_arguments_; }

  Arena& arena() { return arena_; }

 private:
  class Parts;

  void set(Collection collection, std::string_view value) { single(collection) = {{}, value}; }
  std::string_view number(std::uint64_t number);
  void set_number(Collection collection, std::uint64_t value) { set(collection, number(value)); }
  void begin_uri(const RequestView& view);
  void add_path_tails(std::string_view path);
  void add_rewritten(std::string_view query, std::string_view own);
  void begin_headers(const RequestView& view);
  void set_user(std::string_view credentials);
  void read_fields_again(std::span<const HeaderField> fields);
  void join_fields(std::span<const HeaderField> fields, std::size_t last);
  void add_cookies(std::string_view value, bool again);
  void add_form(std::string_view text, List list);
  bool add_argument(List list, std::string_view name, std::string_view value);
  void add_again(List list, std::string_view name, std::string_view value);
  void read_form_again(std::string_view text, char separator, List list);
  void read_pieces_again(std::string_view pair, List list);
  std::string_view without_escapes(std::string_view text);
  void read_json_again(List list, std::string_view name, std::string_view value);
  void read_decoded_again(std::string_view name, std::string_view value);
  void read_quoted_beyond(std::string_view name, std::string_view text);
  void read_quoted_again(std::string_view name, std::string_view value);
  const core::JsonDocument* parse_json(std::string_view body);
  std::string_view join_path(std::string_view path, std::string_view between, std::string_view last,
                             std::uint64_t& left);
  void add_json(const core::JsonDocument& document, std::span<const std::uint64_t> trusted,
                bool again = false);
  void read_unsaid(std::string_view body, bool again);
  void add_strings(List list, std::string_view name, std::string_view text, bool again);
  void add_xml(std::string_view body);
  void add_xml_text(const XmlText& xml, bool again);
  void add_multipart(std::string_view body);
  std::string_view decode(std::string_view text, bool plus_is_space, bool& invalid);
  void join_request(std::string_view body);
  void check_content_types(std::string_view body);
  void body_error(std::string_view processor, std::string_view reason);

  TransactionLimits limits_;
  BodyProcessor processor_ = BodyProcessor::none;
  std::array<std::vector<Field>, kListCount> lists_;
  std::array<Field, kCollectionCount> singles_{};
  std::uint64_t argument_bytes_ = 0;
  std::size_t argument_count_ = 0;
  std::size_t again_count_ = 0;
  bool too_many_arguments_ = false;
  Arena arena_;
  core::JsonParser parser_;
  std::string field_;  // what of a part's content is there so far
  std::string_view content_type_;
  std::uint32_t content_types_ = 0;
};

}  // namespace guard::inspect
