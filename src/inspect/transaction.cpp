#include "inspect/transaction.h"

#include <algorithm>
#include <charconv>

#include "core/ascii.h"
#include "core/multipart.h"
#include "inspect/transformation_codes.h"

namespace guard::inspect {

namespace {

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool is_of_name(char c) {
  return core::is_letter(c) || core::is_digit(c) ||
         std::string_view("_-.:[]").find(c) != std::string_view::npos;
}

// Calls each with every piece between separators, empty ones too, but for an empty one at the end.
template <class Each>
void split(std::string_view text, char separator, Each each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         core::equal_without_case(text.substr(0, lower.size()), lower);
}

// Without what cannot begin a type: applications take away tabs before it, and Python U+00A0.
std::string_view type_in(std::string_view value) {
  while (!value.empty() && !core::is_letter(value.front())) value.remove_prefix(1);
  return value;
}

// "{ user(id: "1") { name } }", "query ...", behind white space, commas and comments.
bool begins_graphql(std::string_view text) {
  while (!text.empty()) {
    if (text.front() == '#') {
      text.remove_prefix(std::min(text.find_first_of("\r\n"), text.size()));
    } else if (is_space(text.front()) || text.front() == ',') {
      text.remove_prefix(1);
    } else {
      break;
    }
  }
  static constexpr std::array<std::string_view, 5> kBeginnings = {"{", "query", "mutation",
                                                                  "subscription", "fragment"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [text](std::string_view one) { return text.starts_with(one); }) &&
         text.find('{') != std::string_view::npos;
}

ListView one(List list, bool names = false) {
  return {{list}, 1, names};
}

}  // namespace

bool has_escapes(std::string_view text) noexcept {
  return text.find("\\u00") != std::string_view::npos;
}

bool holds_values(std::string_view text) noexcept {
  return text.find_first_of("{[") < text.find('"');
}

bool begins_json(std::string_view text) noexcept {
  const auto next = [&] {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    const char c = text.empty() ? '\0' : text.front();
    text.remove_prefix(text.empty() ? 0 : 1);
    return c;
  };
  const char first = next();
  if (first == '{') return next() == '"';
  if (first == '[')
    return std::string_view("\"{[-0123456789tfnNI").find(next()) != std::string_view::npos;
  return first == '"';
}

ListView lists_of(Collection collection) noexcept {
  switch (collection) {
    case Collection::args:
    case Collection::args_names:
      return {{List::args_get, List::args_post, List::args_body},
              3,
              collection == Collection::args_names};
    case Collection::args_get:
      return one(List::args_get);
    case Collection::args_get_names:
      return one(List::args_get, true);
    case Collection::args_post:
      return one(List::args_post);
    case Collection::args_post_names:
      return one(List::args_post, true);
    case Collection::request_headers:
      return one(List::headers);
    case Collection::request_headers_names:
      return one(List::headers, true);
    case Collection::request_cookies:
      return one(List::cookies);
    case Collection::request_cookies_names:
      return one(List::cookies, true);
    case Collection::files:
      return one(List::files);
    case Collection::files_names:
      return one(List::files, true);
    case Collection::files_sizes:
      return one(List::file_sizes);
    case Collection::multipart_part_headers:
      return one(List::part_headers);
    case Collection::multipart_filename:
      return one(List::part_filenames);
    case Collection::multipart_name:
      return one(List::part_names);
    case Collection::path_tails:
      return one(List::path_tails);
    case Collection::remote_user:
      return one(List::users);
    case Collection::response_headers:
      return one(List::response_headers);
    case Collection::response_headers_names:
      return one(List::response_headers, true);
    default:
      return one(List::single);
  }
}

std::string_view Transaction::number(std::uint64_t number) {
  char* at = arena_.allocate(20);
  const auto end = std::to_chars(at, at + 20, number);
  return {at, static_cast<std::size_t>(end.ptr - at)};
}

void Transaction::begin(const RequestView& view, const TransactionLimits& limits) {
  limits_ = limits;
  processor_ = BodyProcessor::none;
  for (auto& list : lists_) list.clear();
  singles_.fill({});
  argument_bytes_ = 0;
  argument_count_ = again_count_ = 0;
  content_type_ = {};
  content_types_ = 0;
  too_many_arguments_ = false;
  arena_.reset();

  set(Collection::remote_addr, view.client_address);
  set(Collection::remote_host, view.client_address);
  set(Collection::remote_port, view.client_port);
  set(Collection::server_addr, view.server_address);
  set(Collection::server_port, view.server_port);
  set(Collection::unique_id, view.unique_id);
  for (const Collection flag :
       {Collection::inbound_data_error, Collection::reqbody_error,
        Collection::reqbody_processor_error, Collection::multipart_strict_error,
        Collection::multipart_unmatched_boundary}) {
    set(flag, "0");
  }
  begin_uri(view);
  begin_headers(view);
  set_number(Collection::args_combined_size, argument_bytes_);
}

// %XX, and '+' as a space in forms. What is no such sequence stays.
std::string_view Transaction::decode(std::string_view text, bool plus_is_space, bool& invalid) {
  if (text.find('%') == std::string_view::npos &&
      (!plus_is_space || text.find('+') == std::string_view::npos)) {
    return text;
  }
  char* begin = arena_.allocate(text.size());
  char* out = begin;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '%' && i + 2 < text.size() && core::is_hex(text[i + 1]) &&
        core::is_hex(text[i + 2])) {
      *out++ = static_cast<char>(core::hex_value(text[i + 1]) * 16 + core::hex_value(text[i + 2]));
      i += 3;
    } else {
      if (text[i] == '%') invalid = true;
      *out++ = plus_is_space && text[i] == '+' ? ' ' : text[i];
      ++i;
    }
  }
  const auto size = static_cast<std::size_t>(out - begin);
  arena_.shrink(text.size() - size);
  return {begin, size};
}

void Transaction::begin_uri(const RequestView& view) {
  bool invalid = false;
  set(Collection::request_method, view.method);
  set(Collection::request_uri_raw, view.target);
  // The path ends at a "#", as it does for nginx and most applications; a query need not.
  const std::string_view target = view.target;
  const std::size_t question = target.find('?');
  const std::string_view path =
      decode(target.substr(0, target.find_first_of("?#")), false, invalid);
  set(Collection::request_filename, path);
  set(Collection::path_info, path);
  add_path_tails(path);
  const std::size_t slash = path.find_last_of("/\\");
  if (slash != std::string_view::npos) {
    set(Collection::request_basename, path.substr(slash + 1));
  }
  std::string_view uri = decode(target, false, invalid);
  const std::size_t scheme = uri.find("://");
  if (!uri.empty() && uri.front() != '/' && scheme != std::string_view::npos) {
    const std::size_t begin = uri.find('/', scheme + 3);
    if (begin != std::string_view::npos) uri.remove_prefix(begin);
  }
  set(Collection::request_uri, uri);

  const std::string_view version = view.version;
  char* at = arena_.allocate(view.method.size() + view.target.size() + version.size() + 8);
  char* out = std::copy(view.method.begin(), view.method.end(), at);
  *out++ = ' ';
  out = std::copy(view.target.begin(), view.target.end(), out);
  *out++ = ' ';
  const char* protocol = out;
  constexpr std::string_view kHttp = "HTTP/";
  out = std::copy(kHttp.begin(), kHttp.end(), out);
  out = std::copy(version.begin(), version.end(), out);
  set(Collection::request_line, {at, static_cast<std::size_t>(out - at)});
  set(Collection::request_protocol, {protocol, static_cast<std::size_t>(out - protocol)});

  std::string_view own;
  if (question != std::string_view::npos) {
    const std::string_view query = target.substr(question + 1);
    own = query;
    set(Collection::query_string, query);
    add_form(query, List::args_get);
    // Applications differ in whether the query ends at a "#": that argument is looked at as a whole
    // and without what is behind.
    const std::size_t hash = query.find('#');
    if (hash != std::string_view::npos) {
      const std::string_view before = query.substr(0, hash);
      std::vector<Field>& args = list(List::args_get);
      const std::size_t whole = args.size();
      add_form(before.substr(before.rfind('&') + 1), List::args_get);
      for (std::size_t i = 0; i < whole && whole < args.size() && !args[whole].again; ++i) {
        args[whole].again = args[i].name == args[whole].name;
      }
    }
  }
  if (view.rewritten_query) add_rewritten(*view.rewritten_query, own);
}

// The path from each of its parts on, since any may be a value to the application, which may have a
// "/" in it: "1/**/or/**/1" of "/items/1/**/or/**/1". Named by the number of the part.
void Transaction::add_path_tails(std::string_view path) {
  static constexpr std::array<std::string_view, 16> kNumbers = {
      "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};
  for (const std::string_view number : kNumbers) {
    path.remove_prefix(std::min(path.find('/'), path.size()));
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    if (path.empty()) return;
    list(List::path_tails).push_back({number, path});
  }
}

// Of a rewrite what it has made, which nginx has put before the client's own query.
void Transaction::add_rewritten(std::string_view query, std::string_view own) {
  for (const std::string_view end : {own, own.substr(0, own.find('#'))}) {
    if (!query.ends_with(end)) continue;
    const std::string_view made = query.substr(0, query.size() - end.size());
    if (!made.empty() && !made.ends_with('&')) continue;
    query = made;
    break;
  }
  add_form(query, List::args_get);
}

void Transaction::begin_headers(const RequestView& view) {
  for (const HeaderField& header : view.headers) {
    list(List::headers).push_back({header.name, header.value});
    const std::string_view value = header.value;
    if (core::equal_without_case(header.name, "cookie")) {
      add_cookies(value, false);
    } else if (core::equal_in_cgi(header.name, "content-type")) {
      content_type_ = value;
      ++content_types_;
      if (core::multipart_type(value).multipart) {
        set_processor(BodyProcessor::multipart);
      } else if (starts_with_ignoring_case(type_in(value), "application/x-www-form-urlencoded")) {
        set_processor(BodyProcessor::urlencoded);
      }
    } else if (core::equal_without_case(header.name, "host")) {
      set(Collection::server_name, value.substr(0, value.find(':')));
    } else if (core::equal_without_case(header.name, "authorization")) {
      set(Collection::auth_type, value.substr(0, value.find(' ')));
      set_user(value);
    }
  }
  read_fields_again(view.headers);
}

// Of Basic the name, up to the colon before the password.
void Transaction::set_user(std::string_view credentials) {
  constexpr std::string_view kBasic = "basic ";
  if (!starts_with_ignoring_case(credentials, kBasic)) return;
  credentials.remove_prefix(kBasic.size());
  char* const at = arena_.allocate(transformed_size(credentials.size()));
  const std::string_view text = base64_decode(credentials, at, true);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return;
  list(List::users).push_back({{}, text.substr(0, colon)});
}

// Fields of one name as those have them who join them (Python's servers, Node, nginx itself for
// FastCGI), and "_" for "-", which are one to CGI.
void Transaction::read_fields_again(std::span<const HeaderField> fields) {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = fields[i].name;
    const char first = name.empty() || name.front() == '_' ? '-' : core::to_lower(name.front());
    const auto mark = std::uint64_t{1}
                      << (name.size() * 7 + static_cast<unsigned char>(first)) % 64;
    const bool plain = (seen & mark) == 0 && name.find('_') == std::string_view::npos;
    seen |= mark;
    if (!plain) join_fields(fields, i);
  }
}

// last: where one stands that may be the last of several.
void Transaction::join_fields(std::span<const HeaderField> fields, std::size_t last) {
  const std::string_view name = fields[last].name;
  const auto is_same = [name](const HeaderField& other) {
    return core::equal_in_cgi(other.name, name);
  };
  const auto behind = fields.subspan(last + 1);
  const auto all = fields.first(last + 1);
  if (std::any_of(behind.begin(), behind.end(), is_same)) return;
  std::size_t size = 0;
  std::size_t count = 0;
  for (const HeaderField& field : all) {
    if (!is_same(field)) continue;
    ++count;
    size += field.value.size() + 2;
  }
  if (count == 1 && name.find('_') == std::string_view::npos) return;
  char* const dashed = arena_.allocate(name.size());
  std::replace_copy(name.begin(), name.end(), dashed, '_', '-');
  char* const joined = arena_.allocate(size);
  char* out = joined;
  for (const HeaderField& field : all) {
    if (!is_same(field)) continue;
    out = std::copy(field.value.begin(), field.value.end(), out);
    *out++ = ',';
    *out++ = ' ';
  }
  const std::string_view value(joined, size - 2);
  list(List::headers).push_back({{dashed, name.size()}, value});
  list(List::headers).back().again = true;
  if (core::equal_without_case(name, "cookie")) add_cookies(value, true);
}

void Transaction::add_response(const ResponseView& view) {
  constexpr std::string_view kHttp = "HTTP/";
  char* at = arena_.allocate(kHttp.size() + view.version.size());
  std::copy(view.version.begin(), view.version.end(), std::copy(kHttp.begin(), kHttp.end(), at));
  set(Collection::response_protocol, {at, kHttp.size() + view.version.size()});
  set(Collection::response_status, view.status);
  set(Collection::response_content_type, view.content_type);
  set(Collection::response_content_length, view.content_length);
  set(Collection::response_body, view.body);
  set(Collection::outbound_data_error, view.body_cut ? "1" : "0");
  for (const HeaderField& header : view.headers) {
    list(List::response_headers).push_back({header.name, header.value});
  }
}

void Transaction::set_processor(BodyProcessor processor) {
  static constexpr std::array<std::string_view, 5> kNames = {"", "URLENCODED", "MULTIPART", "JSON",
                                                             "XML"};
  processor_ = processor;
  set(Collection::reqbody_processor, kNames[static_cast<std::size_t>(processor)]);
}

void Transaction::add_cookies(std::string_view value, bool again) {
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(';'), value.size());
    const std::string_view pair = value.substr(0, end);
    const std::size_t equals = pair.find('=');
    std::string_view name = pair.substr(0, equals);
    while (!name.empty() && is_space(name.front())) name.remove_prefix(1);
    if (!name.empty()) {
      const std::string_view own =
          equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
      list(List::cookies).push_back({name, own});
      list(List::cookies).back().again = again;
      read_quoted_again(name, own);
      read_decoded_again(name, own);
      if (equals != std::string_view::npos && end < value.size()) {
        read_quoted_beyond(name, value.substr(equals));
      }
    }
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

// A cookie as PHP, Express and Rack have it, who decode it like a URI; Express writes "j:" before
// JSON.
void Transaction::read_decoded_again(std::string_view name, std::string_view value) {
  bool invalid = false;
  std::string_view text = decode(value, false, invalid);
  if (text.size() != value.size()) add_again(List::cookies, name, text);
  if (text.starts_with("j:")) text.remove_prefix(2);
  read_json_again(List::cookies, name, text);
}

// A cookie in quotes with a semicolon in them, as Flask has it; text begins with the "=".
void Transaction::read_quoted_beyond(std::string_view name, std::string_view text) {
  std::size_t begin = 1;
  while (begin < text.size() && is_space(text[begin])) ++begin;
  if (begin >= text.size() || text[begin] != '"') return;
  std::size_t end = begin + 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return;
  const std::string_view quoted = text.substr(begin, end + 1 - begin);
  if (quoted.find(';') == std::string_view::npos) return;
  for (++end; end < text.size() && is_space(text[end]);) ++end;
  if (end == text.size() || text[end] == ';') read_quoted_again(name, quoted);
}

// A cookie in quotes, as Python's parsers have it: without them and their backslashes. Express
// takes the quotes away and decodes it.
void Transaction::read_quoted_again(std::string_view name, std::string_view value) {
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return;
  value = value.substr(1, value.size() - 2);
  if (value.find('\\') != std::string_view::npos) {
    const auto digit = [&](std::size_t at, char last) {
      return at < value.size() && value[at] >= '0' && value[at] <= last;
    };
    char* const begin = arena_.allocate(value.size());
    char* out = begin;
    for (std::size_t i = 0; i < value.size();) {
      if (value[i] != '\\' || i + 1 == value.size()) {
        *out++ = value[i++];
      } else if (digit(i + 1, '3') && digit(i + 2, '7') && digit(i + 3, '7')) {
        *out++ = static_cast<char>((value[i + 1] - '0') * 64 + (value[i + 2] - '0') * 8 +
                                   (value[i + 3] - '0'));
        i += 4;
      } else {
        *out++ = value[i + 1];
        i += 2;
      }
    }
    const auto size = static_cast<std::size_t>(out - begin);
    arena_.shrink(value.size() - size);
    value = {begin, size};
  }
  add_again(List::cookies, name, value);
  read_decoded_again(name, value);
}

// An argument that is JSON itself, or GraphQL, whose strings have the same escapes. What begins
// with a quote is seldom JSON.
void Transaction::read_json_again(List to, std::string_view name, std::string_view value) {
  const bool json = begins_json(value) && (holds_values(value) || has_escapes(value));
  if (json || begins_graphql(value)) add_strings(to, name, value, true);
}

// JSON with the escapes that hide a letter or a mark written out. Others are left, since what
// writes JSON makes them of any text.
std::string_view Transaction::without_escapes(std::string_view value) {
  if (!has_escapes(value)) return value;
  const auto escaped = [&](std::size_t at) {
    return value.substr(at).starts_with("\\u00") && at + 5 < value.size() && value[at + 4] < '8' &&
           core::is_digit(value[at + 4]) && core::is_hex(value[at + 5]);
  };
  char* const begin = arena_.allocate(value.size());
  char* out = begin;
  for (std::size_t i = 0; i < value.size();) {
    if (escaped(i)) {
      *out++ =
          static_cast<char>(core::hex_value(value[i + 4]) * 16 + core::hex_value(value[i + 5]));
      i += 6;
    } else {
      if (value[i] == '\\' && i + 1 < value.size()) *out++ = value[i++];
      *out++ = value[i++];
    }
  }
  const auto size = static_cast<std::size_t>(out - begin);
  arena_.shrink(value.size() - size);
  return {begin, size};
}

bool Transaction::add_argument(List to, std::string_view name, std::string_view value) {
  if (argument_count_ == limits_.arguments) {
    too_many_arguments_ = true;
    return false;
  }
  ++argument_count_;
  argument_bytes_ += name.size() + value.size();
  list(to).push_back({name, value});
  return true;
}

// Another reading of what is there, of which there is a bound as of arguments.
void Transaction::add_again(List to, std::string_view name, std::string_view value) {
  if (again_count_ == limits_.arguments) {
    too_many_arguments_ = true;
    return;
  }
  ++again_count_;
  list(to).push_back({name, value});
  list(to).back().again = true;
}

// What may be a form though nothing says so. "a=b;c=d" are two arguments to Rack 2 (Rails 7.0),
// Perl's CGI and Go before 1.17; a body without a type that is posted is a form to Rack, Perl's CGI
// and Python's cgi. Where it is text, what stands before a "=" is seldom the name of one.
void Transaction::read_form_again(std::string_view text, char separator, List to) {
  bool invalid = false;
  split(text, separator, [&](std::string_view piece) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || too_many_arguments_) return;
    // Rack divides at "; ", too.
    const std::size_t begin = piece.find_first_not_of(' ');
    const std::string_view name = decode(piece.substr(begin, equals - begin), true, invalid);
    if (!std::all_of(name.begin(), name.end(), is_of_name)) return;
    const std::string_view value = decode(piece.substr(equals + 1), true, invalid);
    add_again(to, name, value);
    if (separator == ';') return;
    read_json_again(to, name, value);
    read_pieces_again(piece, to);
  });
}

void Transaction::read_pieces_again(std::string_view pair, List to) {
  if (pair.find(';') != std::string_view::npos) read_form_again(pair, ';', to);
}

void Transaction::add_form(std::string_view text, List to) {
  bool invalid = false;
  split(text, '&', [&](std::string_view pair) {
    if (too_many_arguments_) return;
    const std::size_t equals = pair.find('=');
    const std::string_view name = decode(pair.substr(0, equals), true, invalid);
    const std::string_view value = equals == std::string_view::npos
                                       ? std::string_view{}
                                       : decode(pair.substr(equals + 1), true, invalid);
    if (!add_argument(to, name, value)) return;
    read_json_again(to, name, value);
    read_pieces_again(pair, to);
  });
  if (invalid) set(Collection::urlencoded_error, "1");
}

std::optional<std::string_view> Transaction::first(Collection collection,
                                                   std::string_view name) noexcept {
  const ListView view = lists_of(collection);
  for (std::uint8_t i = 0; i < view.count; ++i) {
    if (view.lists[i] == List::single) return single(collection).value;
    for (const Field& field : list(view.lists[i])) {
      if (core::equal_without_case(field.name, name)) return view.names ? field.name : field.value;
    }
  }
  return std::nullopt;
}

}  // namespace guard::inspect
