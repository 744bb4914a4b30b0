#include "json/openapi_parameters.h"

#include <algorithm>
#include <new>

#include "core/ascii.h"
#include "core/http_grammar.h"
#include "core/json_escape.h"
#include "core/json_number.h"
#include "core/json_pointer.h"
#include "core/utf8.h"
#include "json/delimited.h"

namespace guard::json {

namespace {

using core::JsonType;

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const core::Utf8Unit unit = core::decode_utf8(text);
    if (!unit.valid) return false;
    text.remove_prefix(unit.length);
  }
  return true;
}

char delimiter_of(ParameterStyle style) noexcept {
  switch (style) {
    case ParameterStyle::space_delimited:
      return ' ';
    case ParameterStyle::pipe_delimited:
      return '|';
    default:
      return ',';
  }
}

// What applications make a number of, and not infinity.
bool is_finite(std::string_view text) noexcept {
  core::JsonNumber number;
  return core::parse_json_number(text, number) &&
         core::in_range(number, core::JsonNumberMode::double_);
}

constexpr std::string_view kRepeated = "must not be repeated";
constexpr std::string_view kMalformed = "is not well-formed: an escape, or no UTF-8";
constexpr std::string_view kRequired = "is missing";

}  // namespace

ParameterReader::Verdict ParameterReader::read(const OpenApi& openapi, const OperationMatch& match,
                                               const ParameterInput& input,
                                               SchemaEvaluator& evaluator) noexcept {
  openapi_ = &openapi;
  evaluator_ = &evaluator;
  stopped_ = Verdict::valid;
  error_count_ = 0;
  if (match.operation->parameters.empty()) return Verdict::valid;
  if (!prepare(match, input)) return Verdict::memory;
  // The first parameter there, of which it is told when nothing there can be read.
  const auto first_in = [&](ParameterPlace place) -> const OpenApiParameter* {
    for (const OpenApiParameter& each : match.operation->parameters) {
      if (each.in == place) return &each;
    }
    return nullptr;
  };
  const OpenApiParameter* first = first_in(ParameterPlace::query);
  if (first != nullptr && !split_query(input.query)) {
    (void)fail(*first, "cannot be told from a query that is not well-formed or too long");
    return Verdict::invalid;
  }
  query_pairs_ = pair_count_;
  if (!check_names(match, ParameterPlace::query)) return Verdict::invalid;
  first = first_in(ParameterPlace::cookie);
  if (first != nullptr && !split_cookies(input.fields)) {
    (void)fail(*first, "cannot be told from so many cookies");
    return Verdict::invalid;
  }
  if (!check_names(match, ParameterPlace::cookie)) return Verdict::invalid;
  put('[');
  for (const OpenApiParameter& parameter : match.operation->parameters) {
    const std::size_t size = size_;
    const std::size_t count = written_count_;
    if (write(parameter, input, match)) continue;
    size_ = size;
    written_count_ = count;
  }
  put(']');
  if (stopped_ == Verdict::valid) judge();
  if (stopped_ != Verdict::valid) return stopped_;
  return error_count_ == 0 ? Verdict::valid : Verdict::invalid;
}

bool ParameterReader::prepare(const OperationMatch& match, const ParameterInput& input) noexcept {
  // Of a query what stands behind a ";" is decoded again, as a name.
  std::size_t bytes = input.query.size() * 2;
  std::size_t pairs =
      1 + static_cast<std::size_t>(std::count(input.query.begin(), input.query.end(), '&'));
  for (const HeaderField& field : input.fields) {
    bytes += field.value.size() + 2;
    if (field.name == "cookie") {
      pairs +=
          1 + static_cast<std::size_t>(std::count(field.value.begin(), field.value.end(), ';'));
    }
  }
  for (std::size_t i = 0; i < match.values.count; ++i) {
    bytes += match.values.values[i].size() + match.values.longest[i].size();
  }
  const std::size_t parameters = match.operation->parameters.size() + 2 * match.values.count;
  // Each text twice, as a string and as something else. An operation whose parameters have members
  // of the same names may want one more often: has_room() tells.
  constexpr std::size_t kAround = 8;  // quotes and what stands between two values
  const std::size_t text =
      (bytes * core::kJsonEscapeFactor + (pairs + parameters) * kAround) * 2 + kAround;
  if (!decoded_.reserve(bytes, kKeepBytes) || !text_.reserve(text, kKeepBytes) ||
      !pairs_.reserve(pairs, kKeepPairs) || !written_.reserve(parameters + pairs, kKeepPairs)) {
    return false;
  }
  decoded_size_ = size_ = pair_count_ = query_pairs_ = written_count_ = 0;
  other_case_count_ = 0;
  return true;
}

bool ParameterReader::decode(std::string_view text, std::string_view& out) noexcept {
  const DecodedText decoded = decode_query(text, decoded_.data() + decoded_size_);
  out = decoded.text;
  decoded_size_ += out.size();
  return decoded.well_formed && is_utf8(out);
}

bool ParameterReader::split_query(std::string_view query) noexcept {
  bool more = true;
  for (std::string_view part; take_part(query, more, '&', part);) {
    if (part.empty()) continue;
    if (pair_count_ == kMaxPairs) return false;
    const std::size_t equals = part.find('=');
    Pair pair{};
    pair.behind = part.substr(std::min(part.size(), part.find(';')));
    if (!decode(part.substr(0, equals), pair.name)) return false;
    if (equals != std::string_view::npos) {
      pair.malformed = !decode(part.substr(equals + 1), pair.value);
    }
    pairs_.data()[pair_count_++] = pair;
  }
  return true;
}

bool ParameterReader::split_cookies(std::span<const HeaderField> fields) noexcept {
  for (const HeaderField& field : fields) {
    if (field.name != "cookie") continue;
    std::string_view rest = field.value;
    bool more = true;
    for (std::string_view part; take_part(rest, more, ';', part);) {
      part = core::trim_blanks(part);
      if (part.empty()) continue;
      if (pair_count_ - query_pairs_ == kMaxPairs) return false;
      const std::size_t equals = part.find('=');
      if (equals == std::string_view::npos) {
        pairs_.data()[pair_count_++] = {part, {}, {}, false, true};
        continue;
      }
      const std::string_view value = part.substr(equals + 1);
      const std::string_view behind = part.substr(std::min(part.size(), part.find(',')));
      pairs_.data()[pair_count_++] = {core::trim_blanks(part.substr(0, equals)), value, behind,
                                      !is_utf8(value)};
    }
  }
  return true;
}

std::span<const ParameterReader::Pair> ParameterReader::pairs_of(ParameterPlace in) const noexcept {
  if (in == ParameterPlace::query) return {pairs_.data(), query_pairs_};
  return {pairs_.data() + query_pairs_, pair_count_ - query_pairs_};
}

bool ParameterReader::fail(const OpenApiParameter& parameter, std::string_view detail,
                           std::string_view keyword, std::uint32_t node) noexcept {
  if (error_count_ < kMaxErrors) errors_[error_count_++] = {&parameter, detail, keyword, node};
  return false;
}

bool ParameterReader::write(const OpenApiParameter& parameter, const ParameterInput& input,
                            const OperationMatch& match) noexcept {
  static const ParameterShape any_shape{kAnything, {}, {}, false};
  const ParameterShape& shape =
      parameter.schema == kNoSchema ? any_shape : openapi_->shapes[parameter.schema];
  if (parameter.in == ParameterPlace::path) {
    return write_path(parameter, match.values);
  }
  if (parameter.in == ParameterPlace::header) {
    return write_header(parameter, shape, input.fields);
  }
  if (parameter.style == ParameterStyle::deep_object) return write_deep(parameter, shape);
  if (shape.is_object && parameter.explode && !parameter.json) {
    return write_exploded(parameter, shape);
  }
  return write_pairs(parameter, shape);
}

// Several fields of one name are one list (RFC 9110, section 5.3).
bool ParameterReader::write_header(const OpenApiParameter& parameter, const ParameterShape& shape,
                                   std::span<const HeaderField> fields) noexcept {
  const bool list = !parameter.json && shape.value.is_array();
  const HeaderField* found = nullptr;
  std::size_t count = 0;
  for (const HeaderField& field : fields) {
    if (field.name != parameter.name) {
      // An "_" gets this far with underscores_in_headers.
      if (!core::equal_in_cgi(field.name, parameter.name)) continue;
      return fail(parameter, kOtherName);
    }
    if (!is_utf8(field.value)) return fail(parameter, kMalformed);
    if (++count > 1 && !list) return fail(parameter, kRepeated);
    found = &field;
  }
  if (found == nullptr) return !parameter.required || fail(parameter, kRequired);
  if (count == 1) return write_single(parameter, core::trim_blanks(found->value));
  begin_value(parameter);
  put('[');
  bool between = false;
  for (const HeaderField& field : fields) {
    if (field.name == parameter.name) {
      write_elements(shape, core::trim_blanks(field.value), ',', between);
    }
  }
  put(']');
  return true;
}

// Each text that an application may take for the value.
bool ParameterReader::write_path(const OpenApiParameter& parameter,
                                 const PathTree::Match& values) noexcept {
  std::size_t texts = 0;
  for (std::size_t i = 0; i < values.count; ++i) {
    if ((parameter.positions >> i & 1U) == 0) continue;
    for (const std::string_view text : {values.values[i], values.longest[i]}) {
      if (!is_utf8(text)) return fail(parameter, kMalformed);
      const std::size_t before = written_count_;
      if (!write_single(parameter, text)) return false;
      if (written_count_ > before) written_.data()[before].again = texts > 0;
      ++texts;
      if (values.longest[i] == values.values[i]) break;
    }
  }
  return true;
}

bool ParameterReader::write_pairs(const OpenApiParameter& parameter,
                                  const ParameterShape& shape) noexcept {
  if (parameter.in == ParameterPlace::cookie && !write_in_other_case(parameter, shape)) {
    return false;
  }
  const Pair* first = nullptr;
  std::size_t count = 0;
  for (const Pair& pair : pairs_of(parameter.in)) {
    if (pair.name != parameter.name) continue;
    if (pair.malformed) return fail(parameter, kMalformed);
    if (count++ == 0) first = &pair;
  }
  if (first == nullptr) return !parameter.required || fail(parameter, kRequired);
  const bool exploded = parameter.explode && !parameter.json && shape.value.may_repeat() &&
                        (count > 1 || shape.value.is_array());
  if (count > 1 && !exploded) return fail(parameter, kRepeated);
  if (!exploded) return write_single(parameter, first->value);
  begin_value(parameter);
  put('[');
  bool between = false;
  for (const Pair& pair : pairs_of(parameter.in)) {
    if (pair.name != parameter.name) continue;
    if (between) put(',');
    between = true;
    write_text(shape.value.elements, pair.value);
  }
  put(']');
  return true;
}

// Cookies that are the parameter's to an application that looks for names in any case (ASP.NET),
// and another application's to all others: they are held to the same schema.
bool ParameterReader::write_in_other_case(const OpenApiParameter& parameter,
                                          const ParameterShape& shape) noexcept {
  const bool element = parameter.explode && !parameter.json && shape.value.is_array();
  for (const Pair& pair : pairs_of(parameter.in)) {
    if (pair.name == parameter.name || !core::equal_without_case(pair.name, parameter.name)) {
      continue;
    }
    if (pair.malformed) return fail(parameter, kOtherName);
    // A document may name a cookie in every case that there is.
    if (++other_case_count_ > pair_count_) {
      stopped_ = Verdict::limit;
      return false;
    }
    const std::size_t before = written_count_;
    if (element) {
      begin_value(parameter);
      put('[');
      write_text(shape.value.elements, pair.value);
      put(']');
    } else if (!write_single(parameter, pair.value)) {
      return false;
    }
    if (written_count_ > before) written_.data()[before].in_other_case = true;
  }
  return true;
}

// One text that is the whole value.
bool ParameterReader::write_single(const OpenApiParameter& parameter,
                                   std::string_view text) noexcept {
  if (parameter.schema == kNoSchema) return true;
  if (text.empty() && parameter.allow_empty) return true;
  const ParameterShape& shape = openapi_->shapes[parameter.schema];
  if (parameter.json) {
    judge_json(parameter, text);
    return true;
  }
  char delimiter = delimiter_of(parameter.style);
  if (parameter.style == ParameterStyle::label) {
    if (!text.starts_with('.')) return fail(parameter, "must begin with \".\"");
    text.remove_prefix(1);
    if (parameter.explode) delimiter = '.';
  }
  if (shape.is_object) return write_object(parameter, shape, text, delimiter);
  begin_value(parameter);
  if (shape.value.is_array()) return write_array(shape, text, delimiter);
  return write_scalar(shape.value.types, text);
}

bool ParameterReader::write_scalar(TypeSet types, std::string_view text) noexcept {
  write_text(types, text);
  // Where a string is admitted beside other types, either may be meant.
  const auto others = static_cast<TypeSet>(types & ~type_bit(JsonType::string));
  if (others != types && coerced_type(others, text) != JsonType::string) {
    put(',');
    write_text(others, text);
    written_.data()[written_count_ - 1].attempts = 2;
  }
  return true;
}

bool ParameterReader::write_array(const ParameterShape& shape, std::string_view text,
                                  char delimiter) noexcept {
  put('[');
  bool between = false;
  write_elements(shape, text, delimiter, between);
  put(']');
  return true;
}

void ParameterReader::write_elements(const ParameterShape& shape, std::string_view text,
                                     char delimiter, bool& between) noexcept {
  bool more = true;
  for (std::string_view part; take_part(text, more, delimiter, part);) {
    if (between) put(',');
    between = true;
    write_text(shape.value.elements, delimiter == ',' ? core::trim_blanks(part) : part);
  }
}

// "a,1,b,2", or exploded "a=1,b=2".
bool ParameterReader::write_object(const OpenApiParameter& parameter, const ParameterShape& shape,
                                   std::string_view text, char delimiter) noexcept {
  std::array<std::string_view, kMaxMembers> names;
  std::array<std::string_view, kMaxMembers> values;
  std::size_t count = 0;
  bool more = true;
  for (std::string_view part; take_part(text, more, delimiter, part);) {
    if (count == kMaxMembers) return fail(parameter, "has too many members");
    if (parameter.explode) {
      const std::size_t equals = part.find('=');
      if (equals == std::string_view::npos) return fail(parameter, "must be a list of NAME=VALUE");
      names[count] = part.substr(0, equals);
      values[count] = part.substr(equals + 1);
    } else {
      names[count] = part;
      if (!take_part(text, more, delimiter, values[count])) {
        return fail(parameter, "must be a list of names and values");
      }
    }
    if (names[count].find('\0') != std::string_view::npos) return fail(parameter, kMalformed);
    const auto* const known = std::find(names.begin(), names.begin() + count, names[count]);
    if (known != names.begin() + count) return fail(parameter, "must not repeat a member");
    ++count;
  }
  begin_value(parameter);
  put('{');
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) put(',');
    write_member(names[i], shape.members.find(names[i]), {&values[i], 1});
  }
  put('}');
  return true;
}

// Each member is a name of the query by itself: those that the schema knows.
bool ParameterReader::write_exploded(const OpenApiParameter& parameter,
                                     const ParameterShape& shape) noexcept {
  std::array<const Pair*, kMaxMembers> members;
  std::size_t count = 0;
  for (const Pair& pair : pairs_of(parameter.in)) {
    if (!shape.members.knows(pair.name)) continue;
    if (pair.malformed) return fail(parameter, kMalformed);
    if (count == kMaxMembers) return fail(parameter, "has too many members");
    members[count++] = &pair;
  }
  if (count == 0) return !parameter.required || fail(parameter, kRequired);
  begin_value(parameter);
  put('{');
  std::array<std::string_view, kMaxMembers> values;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = members[i]->name;
    const auto is_same = [name](const Pair* other) { return other->name == name; };
    if (std::any_of(members.begin(), members.begin() + i, is_same)) continue;
    std::size_t own = 0;
    for (std::size_t j = i; j < count; ++j) {
      if (is_same(members[j])) values[own++] = members[j]->value;
    }
    const Coercion coercion = shape.members.find(name);
    if (own > 1 && !coercion.may_repeat()) return fail(parameter, "must not repeat a member");
    if (i > 0) put(',');
    write_member(name, coercion, {values.data(), own});
  }
  put('}');
  return true;
}

// "name[member]=value"; of an array "name[]=value" or "name[0]=value".
bool ParameterReader::write_deep(const OpenApiParameter& parameter,
                                 const ParameterShape& shape) noexcept {
  struct Member {
    std::string_view name;
    std::string_view value;
  };
  std::array<Member, kMaxMembers> members;
  std::size_t count = 0;
  const Pair* plain = nullptr;
  for (const Pair& pair : pairs_of(parameter.in)) {
    std::string_view name = pair.name;
    if (!name.starts_with(parameter.name)) continue;
    name.remove_prefix(parameter.name.size());
    if (name.empty()) {
      if (plain != nullptr) return fail(parameter, kRepeated);
      plain = &pair;
      continue;
    }
    if (name.front() != '[') continue;
    if (name.find(']') != name.size() - 1) {
      return fail(parameter, "must not nest deeper than NAME[MEMBER]=VALUE");
    }
    // The parser refuses it in a member's name, and with it all of the document.
    const bool nul = name.find('\0') != std::string_view::npos;
    if (pair.malformed || nul) return fail(parameter, kMalformed);
    if (count == kMaxMembers) return fail(parameter, "has too many members");
    members[count++] = {name.substr(1, name.size() - 2), pair.value};
  }
  if (plain != nullptr) {
    // The style is defined for objects. Where the schema admits a scalar as well, this is one.
    const auto scalars = static_cast<TypeSet>(shape.value.types & ~type_bit(JsonType::object) &
                                              ~type_bit(JsonType::array));
    if (scalars == 0 || count > 0) return fail(parameter, "must be written as NAME[MEMBER]=VALUE");
    if (plain->malformed) return fail(parameter, kMalformed);
    begin_value(parameter);
    return write_scalar(scalars, plain->value);
  }
  if (count == 0) return !parameter.required || fail(parameter, kRequired);
  const auto is_number = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), core::is_digit);
  };
  const bool object = shape.is_object || !shape.value.may_repeat();
  for (std::size_t i = 0; i < count && !object; ++i) {
    if (!is_number(members[i].name)) return fail(parameter, "must be written as NAME[]=VALUE");
  }
  begin_value(parameter);
  put(object ? '{' : '[');
  std::array<std::string_view, kMaxMembers> values;
  for (std::size_t i = 0; i < count; ++i) {
    if (!object) {
      if (i > 0) put(',');
      write_text(shape.value.elements, members[i].value);
      continue;
    }
    const std::string_view name = members[i].name;
    const auto is_same = [name](const Member& other) { return other.name == name; };
    if (std::any_of(members.begin(), members.begin() + i, is_same)) continue;
    std::size_t own = 0;
    for (std::size_t j = i; j < count; ++j) {
      if (is_same(members[j])) values[own++] = members[j].value;
    }
    const Coercion coercion = shape.members.find(name);
    if (own > 1 && !coercion.may_repeat()) return fail(parameter, "must not repeat a member");
    if (i > 0) put(',');
    write_member(name, coercion, {values.data(), own});
  }
  put(object ? '}' : ']');
  return true;
}

void ParameterReader::write_member(std::string_view name, const Coercion& coercion,
                                   std::span<const std::string_view> values) noexcept {
  write_text(type_bit(JsonType::string), name);
  put(':');
  const bool array = values.size() > 1 || coercion.is_array();
  if (array) put('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) put(',');
    write_text(array ? coercion.elements : coercion.types, values[i]);
  }
  if (array) put(']');
}

bool ParameterReader::has_room(std::size_t bytes) noexcept {
  if (bytes <= text_.capacity() - size_) return true;
  stopped_ = Verdict::limit;
  return false;
}

void ParameterReader::put(char c) noexcept {
  if (has_room(1)) text_.data()[size_++] = c;
}

void ParameterReader::write_text(TypeSet types, std::string_view text) noexcept {
  const std::size_t most = text.size() * core::kJsonEscapeFactor + 2;
  if (!has_room(most)) return;
  char* const to = text_.data() + size_;
  const JsonType type = coerced_type(types, text);
  if (type == JsonType::string || (type == JsonType::number && !is_finite(text))) {
    size_ += core::write_json_string(to, most, text);
  } else {
    size_ += static_cast<std::size_t>(write_token(text, to) - to);
  }
}

void ParameterReader::begin_value(const OpenApiParameter& parameter) noexcept {
  if (written_count_ > 0) put(',');
  written_.data()[written_count_++] = {&parameter, 1, false};
}

bool ParameterReader::is_valid(const OpenApiParameter& parameter, std::uint32_t node) noexcept {
  const std::uint32_t block = openapi_->block_of(parameter.schema);
  switch (evaluator_->evaluate(openapi_->program, block, *document_, node, 0)) {
    case SchemaVerdict::valid:
      return true;
    case SchemaVerdict::invalid:
      break;
    case SchemaVerdict::pattern_limit:
      stopped_ = Verdict::pattern_limit;
      break;
    case SchemaVerdict::limit:
      stopped_ = Verdict::limit;
      break;
    case SchemaVerdict::memory:
      stopped_ = Verdict::memory;
      break;
  }
  return false;
}

void ParameterReader::blame(const OpenApiParameter& parameter, std::uint32_t node) noexcept {
  (void)evaluator_->evaluate(openapi_->program, openapi_->block_of(parameter.schema), *document_,
                             node, kMaxErrors - error_count_);
  for (const SchemaError& error : evaluator_->errors()) {
    (void)fail(parameter, error.detail, name_of(error.keyword),
               error.node == node ? 0 : error.node);
  }
}

void ParameterReader::judge() noexcept {
  document_ = parser_.parse({text_.data(), size_}, core::widest_json_limits());
  if (document_ == nullptr) {
    // What the parser takes from nobody, such as an exponent without end.
    const bool memory = parser_.error().fault == core::JsonFault::memory;
    if (memory) stopped_ = Verdict::memory;
    if (!memory && written_count_ > 0) {
      (void)fail(*written_.data()->parameter, "or a parameter behind it is out of range");
    }
    return;
  }
  std::uint32_t node = 1;
  const OpenApiParameter* failed = nullptr;
  for (std::size_t i = 0; i < written_count_; ++i) {
    const Written& written = written_.data()[i];
    const std::uint32_t first = node;
    bool valid = false;
    for (std::uint32_t attempt = 0; attempt < written.attempts; ++attempt) {
      valid = valid || is_valid(*written.parameter, node);
      node = (*document_)[node].next;
    }
    if (stopped_ != Verdict::valid || error_count_ == kMaxErrors) return;
    if (valid || (written.again && failed == written.parameter)) continue;
    failed = written.parameter;
    if (written.in_other_case) {
      (void)fail(*written.parameter, kOtherName);
    } else {
      blame(*written.parameter, first);
    }
  }
}

// A JSON text of its own, which is gone when the others are looked at: its errors have no pointer.
void ParameterReader::judge_json(const OpenApiParameter& parameter,
                                 std::string_view text) noexcept {
  document_ = parser_.parse(text, core::JsonLimits{});
  if (document_ == nullptr) {
    (void)fail(parameter, "must be a JSON text");
  } else if (!is_valid(parameter, 0) && stopped_ == Verdict::valid) {
    const std::size_t before = error_count_;
    blame(parameter, 0);
    for (std::size_t i = before; i < error_count_; ++i) errors_[i].node = 0;
  }
}

std::size_t ParameterReader::pointer(const ParameterError& error, char* out,
                                     std::size_t limit) const noexcept {
  if (error.node == 0 || document_ == nullptr) return 0;
  std::array<char, core::JsonParser::kMaxPointer> whole;
  const std::size_t size =
      core::write_json_pointer(*document_, error.node, whole.data(), whole.size());
  // The first token is the parameter's own place among the others.
  const std::string_view text(whole.data(), size);
  const std::size_t second = text.find('/', 1);
  if (second == std::string_view::npos) return 0;
  return text.substr(second).copy(out, limit);
}

}  // namespace guard::json
