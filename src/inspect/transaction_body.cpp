// What a body makes of collections, by the processor that reads it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <new>

#include "core/json_string.h"
#include "core/multipart.h"
#include "inspect/transaction.h"
#include "inspect/xml_text.h"

namespace guard::inspect {

namespace {

bool begins_xml(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '<';
}

// Behind white space and comments, of which Ruby's JSON takes both kinds; one without an end goes
// to the end.
std::string_view behind_comments(std::string_view text) {
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (text.starts_with("/*")) {
      const std::size_t end = text.find("*/", 2);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    } else if (text.starts_with("//")) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else {
      return text;
    }
  }
}

}  // namespace

void Transaction::body_error(std::string_view processor, std::string_view reason) {
  const std::size_t size = processor.size() + 16 + reason.size();
  char* at = arena_.allocate(size);
  char* out = std::copy(processor.begin(), processor.end(), at);
  constexpr std::string_view kError = " parsing error: ";
  out = std::copy(kError.begin(), kError.end(), out);
  std::copy(reason.begin(), reason.end(), out);
  set(Collection::reqbody_error, "1");
  set(Collection::reqbody_processor_error, "1");
  set(Collection::reqbody_error_msg, {at, size});
  set(Collection::reqbody_processor_error_msg, {at, size});
}

// Which of them an application goes by, nobody knows.
void Transaction::check_content_types(std::string_view body) {
  if (content_types_ > 1 && !body.empty()) {
    body_error("Content-Type", "the request has several of them");
  }
}

// All fields and the body, of whatever type, which rules have in the second phase.
void Transaction::join_request(std::string_view body) {
  std::size_t size = 2 + body.size();
  for (const Field& field : list(List::headers)) size += field.name.size() + field.value.size() + 3;
  char* const at = arena_.allocate(size);
  char* out = at;
  const auto add = [&out](std::string_view text) {
    out = std::copy(text.begin(), text.end(), out);
  };
  for (const Field& field : list(List::headers)) {
    if (field.again) continue;
    add(field.name);
    add(": ");
    add(field.value);
    add("\n");
  }
  add("\n\n");
  add(body);
  const auto used = static_cast<std::size_t>(out - at);
  set(Collection::full_request, {at, used});
  set_number(Collection::full_request_length, used);
}

void Transaction::add_body(std::string_view body, BodyProcessor processor) {
  if (limits_.full_request) join_request(body);
  check_content_types(body);
  // What of a form in parts is no file is in arguments and the parts' header fields.
  if (processor != BodyProcessor::multipart) set(Collection::request_body, body);
  set_number(Collection::request_body_length, body.size());
  switch (processor) {
    case BodyProcessor::none:
      read_unsaid(body, false);
      if (content_type_.empty() && single(Collection::request_method).value == "POST") {
        read_form_again(body, '&', List::args_post);
      }
      break;
    case BodyProcessor::urlencoded:
      add_form(body, List::args_post);
      read_unsaid(body, true);
      break;
    case BodyProcessor::json:
      if (body.empty()) break;
      if (const core::JsonDocument* document = parse_json(body)) {
        add_json(*document, {});
      } else {
        body_error("JSON", parser_.error().detail);
      }
      break;
    case BodyProcessor::xml:
      add_xml(body);
      break;
    case BodyProcessor::multipart:
      if (!body.empty()) add_multipart(body);
      break;
  }
  set_number(Collection::args_combined_size, argument_bytes_);
}

void Transaction::add_json_body(std::string_view body, const core::JsonDocument& document,
                                std::span<const std::uint64_t> trusted) {
  if (limits_.full_request) join_request(body);
  check_content_types(body);
  set(Collection::request_body, body);
  set_number(Collection::request_body_length, body.size());
  add_json(document, trusted);
  set_number(Collection::args_combined_size, argument_bytes_);
}

const core::JsonDocument* Transaction::parse_json(std::string_view body) {
  core::JsonLimits limits = core::widest_json_limits();
  limits.depth = limits_.json_depth;
  limits.duplicates = true;
  return parser_.parse(body, limits);
}

// JSON or XML in a body of another type or of none: PHP (php://input), Go and Django leave it to
// the application to ask for the type. again: the body has been read as what it says it is.
void Transaction::read_unsaid(std::string_view body, bool again) {
  const std::string_view own = body;
  // Python knows UTF-16 and UTF-32 by their NULs.
  if (body.substr(0, 4).find('\0') != std::string_view::npos) {
    char* const begin = arena_.allocate(body.size());
    char* const end = std::remove_copy(body.begin(), body.end(), begin, '\0');
    body = {begin, static_cast<std::size_t>(end - begin)};
  }
  constexpr std::string_view kByteOrderMarks = "\xef\xbb\xbf\xff\xfe";
  body.remove_prefix(std::min(body.find_first_not_of(kByteOrderMarks), body.size()));
  if (begins_xml(body)) {
    // libxml2 finds out by itself how it is encoded, which the document may say, too.
    XmlText xml;
    if (xml.parse(own, limits_.arguments, true) || xml.has_too_many()) {
      add_xml_text(xml, true);
    } else if (xml.has_declarations()) {
      body_error("XML", xml.error());
    }
  }
  body = behind_comments(body);
  // It is an object or an array that they want.
  if (!begins_json(body) || !holds_values(body)) return;
  if (const core::JsonDocument* document = parse_json(body)) {
    add_json(*document, {}, again);
  } else {
    add_strings(List::args_body, "json", body, again);
  }
}

// All strings of what may be no JSON to us: Go reads no further than the first value, and takes
// bytes that are not UTF-8. again: of the names of members, which are searched as they come, those
// alone that are hidden.
void Transaction::add_strings(List to, std::string_view name, std::string_view text, bool again) {
  for (std::size_t at = text.find('"'); at < text.size() && !too_many_arguments_;) {
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    end = std::min(end, text.size());
    const std::string_view raw = text.substr(at + 1, end - at - 1);
    char* const out = arena_.allocate(raw.size());
    const core::Unescaped made = core::unescape_json(raw, out);
    const bool whole = made.fault == core::UnescapeFault::none;
    const std::string_view value = whole ? std::string_view(out, made.size) : without_escapes(raw);
    const std::size_t behind = std::min(text.find_first_not_of(" \t\r\n", end + 1), text.size());
    if (!again) {
      add_argument(to, name, value);
    } else if (!text.substr(behind).starts_with(':') || has_escapes(raw)) {
      add_again(to, name, value);
    }
    at = text.find('"', end + 1);
  }
}

// left: bytes that names may still have.
std::string_view Transaction::join_path(std::string_view path, std::string_view between,
                                        std::string_view last, std::uint64_t& left) {
  const std::size_t size = path.size() + between.size() + last.size();
  if (size > left) {
    too_many_arguments_ = true;
    return {};
  }
  left -= size;
  char* const at = arena_.allocate(size);
  std::memcpy(at, path.data(), path.size());
  std::memcpy(at + path.size(), between.data(), between.size());
  std::memcpy(at + path.size() + between.size(), last.data(), last.size());
  return {at, size};
}

// json.name.array_0: a value's way from the root. again: it is another reading of the body.
void Transaction::add_json(const core::JsonDocument& document,
                           std::span<const std::uint64_t> trusted, bool again) {
  struct Level {
    std::uint32_t end;      // node behind the container
    std::string_view path;  // its own
    std::uint32_t index;    // of the next element
    bool array;
  };
  std::vector<Level> levels;
  std::uint64_t names_left = limits_.names;
  const auto nodes = document.nodes();
  std::string_view key;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    const core::JsonNode& node = nodes[i];
    while (!levels.empty() && i >= levels.back().end) levels.pop_back();
    if (node.is_key()) {
      key = document.text(node);
      // In another reading names are not searched, which is enough for those that stand in the body
      // as they are.
      const bool hidden = (node.flags & core::JsonNode::kUnescaped) != 0;
      if (again && hidden) add_again(List::args_body, "json", key);
      continue;
    }
    std::string_view name = "json";
    if (!levels.empty()) {
      Level& level = levels.back();
      std::array<char, 10> digits;
      std::string_view last = key.empty() ? std::string_view("empty-key") : key;
      if (level.array) {
        const char* end = std::to_chars(digits.begin(), digits.end(), level.index++).ptr;
        last = {digits.data(), static_cast<std::size_t>(end - digits.data())};
      }
      name = join_path(level.path, level.array ? ".array_" : ".", last, names_left);
      if (too_many_arguments_) break;
    }
    // Of one that is empty within another there is the name.
    if (node.is_container() && (levels.empty() || node.next > i + 1)) {
      levels.push_back({node.next, name, 0, node.type == core::JsonType::array});
      continue;
    }
    const std::string_view value =
        node.type == core::JsonType::null ? std::string_view{} : document.text(node);
    if (again) {
      add_again(List::args_body, name, value);
      if (too_many_arguments_) break;
      continue;
    }
    if (!add_argument(List::args_body, name, value)) break;
    const bool is_trusted = i / 64 < trusted.size() && (trusted[i / 64] >> i % 64 & 1U) != 0;
    list(List::args_body).back().trusted = is_trusted;
    if (!is_trusted) read_json_again(List::args_body, name, value);
  }
}

void Transaction::add_xml(std::string_view body) {
  if (body.empty()) return;
  XmlText xml;
  if (xml.parse(body, limits_.arguments) || xml.has_too_many()) {
    add_xml_text(xml, false);
  } else {
    body_error("XML", xml.error());
  }
}

// again: as unsaid.
void Transaction::add_xml_text(const XmlText& xml, bool again) {
  if (xml.has_too_many()) {
    too_many_arguments_ = true;
    return;
  }
  const std::string_view text = arena_.copy(xml.text());
  list(List::xml_text).push_back({"/*", text});
  list(List::xml_text).back().again = again;
  // What stands in front of a text must not be taken for its beginning.
  if (xml.pieces().size() > 1) {
    for (const XmlText::Piece& piece : xml.pieces()) {
      add_again(List::xml_text, "/*", text.substr(piece.begin, piece.size));
    }
  }
  for (const std::string& value : xml.attributes()) {
    list(List::xml_attributes).push_back({"//@*", arena_.copy(value)});
    list(List::xml_attributes).back().again = again;
  }
}

// Of a form in parts: fields are arguments, files are their names and sizes; what is a field to
// some is both.
class Transaction::Parts final : public core::MultipartSink {
 public:
  explicit Parts(Transaction& to) : to_(to) {}

  bool begin(const core::MultipartPart& part) noexcept override {
    return guarded([&] {
      name_ = to_.arena_.copy(part.name);
      file_ = part.is_file();
      field_ = !file_ || part.may_be_field();
      if (part.has_odd_type()) to_.set(Collection::multipart_invalid_part, "1");
      size_ = 0;
      to_.field_.clear();
      if (file_) filename_ = to_.arena_.copy(*part.filename);
      std::string_view fields = part.fields;
      while (!fields.empty()) {
        const std::size_t end = std::min(fields.find("\r\n"), fields.size());
        to_.list(List::part_headers).push_back({name_, to_.arena_.copy(fields.substr(0, end))});
        fields.remove_prefix(std::min(end + 2, fields.size()));
      }
    });
  }

  bool data(std::string_view bytes) noexcept override {
    return guarded([&] {
      size_ += bytes.size();
      if (field_) to_.field_ += bytes;
    });
  }

  bool end() noexcept override {
    return guarded([&] {
      // A file input that nobody has filled in is none.
      if (!file_ || !to_.field_.empty()) add_field();
      if (!file_) return;
      all_ += size_;
      to_.list(List::files).push_back({name_, filename_});
      to_.list(List::file_sizes).push_back({name_, to_.number(size_)});
      to_.list(List::part_filenames).push_back({name_, filename_});
      to_.list(List::part_names).push_back({name_, name_});
    });
  }

  bool out_of_memory() const { return out_of_memory_; }
  std::uint64_t file_bytes() const { return all_; }

 private:
  void add_field() {
    const std::string_view value = to_.arena_.copy(to_.field_);
    if (to_.add_argument(List::args_post, name_, value)) {
      to_.read_json_again(List::args_post, name_, value);
    }
  }

  template <class Step>
  bool guarded(Step step) noexcept {
    try {
      step();
      return !to_.too_many_arguments_;
    } catch (const std::exception&) {
      out_of_memory_ = true;
      return false;
    }
  }

  Transaction& to_;
  std::string_view name_;
  std::string_view filename_;
  bool file_ = false;
  bool field_ = false;
  bool out_of_memory_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t all_ = 0;
};

void Transaction::add_multipart(std::string_view body) {
  const core::MultipartType type = core::multipart_type(content_type_);
  core::MultipartFault fault = type.fault;
  if (!type.multipart) fault = core::MultipartFault::media_type;
  if (fault == core::MultipartFault::none) {
    core::MultipartParser parser(type.boundary, limits_.arguments);
    Parts parts(*this);
    if (!parser.feed(body, parts) || !parser.finish()) fault = parser.fault();
    if (parts.out_of_memory()) throw std::bad_alloc();
    set_number(Collection::files_combined_size, parts.file_bytes());
    field_.clear();
    field_.shrink_to_fit();
    if (too_many_arguments_) return;
  }
  if (fault == core::MultipartFault::none) return;
  set(Collection::multipart_strict_error, "1");
  body_error("Multipart", core::explain(fault));
}

}  // namespace guard::inspect
