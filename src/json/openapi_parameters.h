// The parameters of a request as values: decoded by style and explode (OpenAPI 3.1.1, "Style
// Values"), written as JSON by what their schemas admit (coercion.h), and held to those schemas.
// docs/decisions/openapi-parameters.md says what is read more strictly, or otherwise, and why.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/json_parser.h"
#include "core/scratch.h"
#include "json/openapi.h"
#include "json/schema_evaluator.h"

namespace guard::json {

struct HeaderField {
  std::string_view name;  // in lower case
  std::string_view value;
};

struct ParameterInput {
  std::string_view query;  // as it was sent, without the "?"
  std::span<const HeaderField> fields;
};

struct ParameterError {
  const OpenApiParameter* parameter = nullptr;
  std::string_view detail;   // a literal, or of the program
  std::string_view keyword;  // of the schema; empty where it is another rule
  std::uint32_t node = 0;    // of the value at fault, for pointer(); 0: the whole
};

// One per worker: what it needs of memory it keeps, so that it allocates only for a request larger
// than those before it.
class ParameterReader {
 public:
  static constexpr std::size_t kMaxErrors = 10;
  // Names and values in a query or a Cookie field; members of one object.
  static constexpr std::size_t kMaxPairs = 1000;
  static constexpr std::size_t kMaxMembers = 100;

  enum class Verdict : std::uint8_t { valid, invalid, pattern_limit, limit, memory };

  // Of the operation that match names.
  Verdict read(const OpenApi& openapi, const OperationMatch& match, const ParameterInput& input,
               SchemaEvaluator& evaluator) noexcept;

  // Of the last read().
  std::span<const ParameterError> errors() const { return {errors_.data(), error_count_}; }
  // RFC 6901, into the value of the parameter; empty: the whole. Bytes written.
  std::size_t pointer(const ParameterError& error, char* out, std::size_t limit) const noexcept;

 private:
  static constexpr std::size_t kKeepBytes = 1U << 16U;
  static constexpr std::size_t kKeepPairs = 256;
  static constexpr std::string_view kOtherName = "must be written as the document names it";

  struct Pair {
    std::string_view name;
    std::string_view value;
    std::string_view behind;  // what follows a ";" in a query, a "," in a cookie, as it was sent
    bool malformed;           // the value: an escape, or what is no UTF-8
    bool lone = false;        // a cookie without "="
  };
  // A parameter whose value is the next element of the document, or one of the next two.
  struct Written {
    const OpenApiParameter* parameter;
    std::uint32_t attempts;
    bool in_other_case;  // the value is that of a cookie whose name is in other letters
    bool again = false;  // the value is one more of the parameter before
  };

  bool prepare(const OperationMatch& match, const ParameterInput& input) noexcept;
  bool split_query(std::string_view query) noexcept;
  bool split_cookies(std::span<const HeaderField> fields) noexcept;
  bool decode(std::string_view text, std::string_view& out) noexcept;
  std::span<const Pair> pairs_of(ParameterPlace in) const noexcept;
  // Refuses (openapi_parameter_names.cpp) what an application may read as a parameter of the
  // document though it is called otherwise, so that nothing is let through under another name.
  bool check_names(const OperationMatch& match, ParameterPlace in) noexcept;
  // The parameter as which name may be read; null: none, or, where it may be the name of one (own),
  // that one.
  const OpenApiParameter* other_name(const OperationMatch& match, ParameterPlace in,
                                     std::string_view name, bool own) const noexcept;

  bool write(const OpenApiParameter& parameter, const ParameterInput& input,
             const OperationMatch& match) noexcept;
  bool write_header(const OpenApiParameter& parameter, const ParameterShape& shape,
                    std::span<const HeaderField> fields) noexcept;
  bool write_path(const OpenApiParameter& parameter, const PathTree::Match& values) noexcept;
  bool write_single(const OpenApiParameter& parameter, std::string_view text) noexcept;
  bool write_pairs(const OpenApiParameter& parameter, const ParameterShape& shape) noexcept;
  bool write_in_other_case(const OpenApiParameter& parameter, const ParameterShape& shape) noexcept;
  bool write_scalar(TypeSet types, std::string_view text) noexcept;
  bool write_deep(const OpenApiParameter& parameter, const ParameterShape& shape) noexcept;
  bool write_exploded(const OpenApiParameter& parameter, const ParameterShape& shape) noexcept;
  bool write_array(const ParameterShape& shape, std::string_view text, char delimiter) noexcept;
  // between: an element stands before them.
  void write_elements(const ParameterShape& shape, std::string_view text, char delimiter,
                      bool& between) noexcept;
  bool write_object(const OpenApiParameter& parameter, const ParameterShape& shape,
                    std::string_view text, char delimiter) noexcept;
  void write_text(TypeSet types, std::string_view text) noexcept;
  void write_member(std::string_view name, const Coercion& coercion,
                    std::span<const std::string_view> values) noexcept;
  // Whether so many bytes can be written yet; if not, the request is over the limit.
  bool has_room(std::size_t bytes) noexcept;
  void put(char c) noexcept;
  void begin_value(const OpenApiParameter& parameter) noexcept;

  void judge() noexcept;
  void judge_json(const OpenApiParameter& parameter, std::string_view text) noexcept;
  // One value, by one schema: its errors, and what stops all.
  bool is_valid(const OpenApiParameter& parameter, std::uint32_t node) noexcept;
  void blame(const OpenApiParameter& parameter, std::uint32_t node) noexcept;
  bool fail(const OpenApiParameter& parameter, std::string_view detail,
            std::string_view keyword = {}, std::uint32_t node = 0) noexcept;

  const OpenApi* openapi_ = nullptr;
  SchemaEvaluator* evaluator_ = nullptr;
  Verdict stopped_ = Verdict::valid;
  core::Scratch<char> decoded_;
  std::size_t decoded_size_ = 0;
  core::Scratch<char> text_;  // a JSON array of the values
  std::size_t size_ = 0;
  core::Scratch<Pair> pairs_;
  std::size_t query_pairs_ = 0;
  std::size_t pair_count_ = 0;
  core::Scratch<Written> written_;
  std::size_t written_count_ = 0;
  std::size_t other_case_count_ = 0;
  core::JsonParser parser_;
  const core::JsonDocument* document_ = nullptr;
  std::array<ParameterError, kMaxErrors> errors_;
  std::size_t error_count_ = 0;
};

}  // namespace guard::json
