// The words of SecLang that Guard knows: directives, collections, operators, transformations,
// actions, controls. What is not here is refused when rules are read. scripts/inventory holds them
// against those that the Core Rule Set names, and against docs/inspection.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace guard::inspect {

inline constexpr std::array<std::string_view, 13> kDirectiveNames = {
    "include",
    "includeoptional",
    "secaction",
    "secdefaultaction",
    "secmarker",
    "secrule",
    "secruleremovebyid",
    "secruleremovebymsg",
    "secruleremovebytag",
    "secruleupdateactionbyid",
    "secruleupdatetargetbyid",
    "secruleupdatetargetbymsg",
    "secruleupdatetargetbytag",
};

// Those of ModSecurity that say how it works, not what a rule is: Guard has its own for that.
inline constexpr std::array<std::string_view, 45> kIgnoredDirectiveNames = {
    "secargumentseparator",
    "secargumentslimit",
    "secauditengine",
    "secauditlog",
    "secauditlog2",
    "secauditlogdirmode",
    "secauditlogfilemode",
    "secauditlogformat",
    "secauditlogparts",
    "secauditlogrelevantstatus",
    "secauditlogstoragedir",
    "secauditlogtype",
    "seccollectiontimeout",
    "seccomponentsignature",
    "secconnengine",
    "seccookieformat",
    "seccookiev0separator",
    "secdatadir",
    "secdebuglog",
    "secdebugloglevel",
    "secgeolookupdb",
    "sechttpblkey",
    "secinterceptonerror",
    "secpcrematchlimit",
    "secpcrematchlimitrecursion",
    "secrequestbodyaccess",
    "secrequestbodyinmemorylimit",
    "secrequestbodyjsondepthlimit",
    "secrequestbodylimit",
    "secrequestbodylimitaction",
    "secrequestbodynofileslimit",
    "secresponsebodyaccess",
    "secresponsebodylimit",
    "secresponsebodylimitaction",
    "secresponsebodymimetype",
    "secresponsebodymimetypesclear",
    "secruleengine",
    "secsensorid",
    "secserversignature",
    "secstatusengine",
    "sectmpdir",
    "secunicodemapfile",
    "secuploaddir",
    "secwebappid",
    "secxmlexternalentity",
};

// What a target or a macro may name. Up to (without) tx: data of the request, which the Transaction
// holds; then what the rules themselves make; then what only an answer has, which it holds, too.
enum class Collection : std::uint8_t {
  args,
  args_names,
  args_get,
  args_get_names,
  args_post,
  args_post_names,
  args_combined_size,
  auth_type,
  files,
  files_names,
  files_sizes,
  files_combined_size,
  full_request,
  full_request_length,
  inbound_data_error,
  multipart_part_headers,
  multipart_filename,
  multipart_name,
  multipart_strict_error,
  multipart_unmatched_boundary,
  multipart_boundary_quoted,
  multipart_boundary_whitespace,
  multipart_data_before,
  multipart_data_after,
  multipart_header_folding,
  multipart_lf_line,
  multipart_missing_semicolon,
  multipart_invalid_quoting,
  multipart_invalid_part,
  multipart_invalid_header_folding,
  multipart_file_limit_exceeded,
  path_info,
  path_tails,
  query_string,
  remote_addr,
  remote_host,
  remote_port,
  remote_user,
  reqbody_error,
  reqbody_error_msg,
  reqbody_processor,
  reqbody_processor_error,
  reqbody_processor_error_msg,
  request_basename,
  request_body,
  request_body_length,
  request_cookies,
  request_cookies_names,
  request_filename,
  request_headers,
  request_headers_names,
  request_line,
  request_method,
  request_protocol,
  request_uri,
  request_uri_raw,
  server_addr,
  server_name,
  server_port,
  unique_id,
  urlencoded_error,
  xml,
  // made by rules
  tx,
  ip,
  global,
  session,
  user,
  resource,
  geo,
  env,
  rule,
  duration,
  highest_severity,
  matched_var,
  matched_var_name,
  matched_vars,
  matched_vars_names,
  // of answers: of rules of the phases 3 to 5 alone
  response_body,
  response_content_length,
  response_content_type,
  response_headers,
  response_headers_names,
  response_protocol,
  response_status,
  outbound_data_error,
};

inline constexpr std::array<std::string_view, 84> kCollectionNames = {
    "ARGS",
    "ARGS_NAMES",
    "ARGS_GET",
    "ARGS_GET_NAMES",
    "ARGS_POST",
    "ARGS_POST_NAMES",
    "ARGS_COMBINED_SIZE",
    "AUTH_TYPE",
    "FILES",
    "FILES_NAMES",
    "FILES_SIZES",
    "FILES_COMBINED_SIZE",
    "FULL_REQUEST",
    "FULL_REQUEST_LENGTH",
    "INBOUND_DATA_ERROR",
    "MULTIPART_PART_HEADERS",
    "MULTIPART_FILENAME",
    "MULTIPART_NAME",
    "MULTIPART_STRICT_ERROR",
    "MULTIPART_UNMATCHED_BOUNDARY",
    "MULTIPART_BOUNDARY_QUOTED",
    "MULTIPART_BOUNDARY_WHITESPACE",
    "MULTIPART_DATA_BEFORE",
    "MULTIPART_DATA_AFTER",
    "MULTIPART_HEADER_FOLDING",
    "MULTIPART_LF_LINE",
    "MULTIPART_MISSING_SEMICOLON",
    "MULTIPART_INVALID_QUOTING",
    "MULTIPART_INVALID_PART",
    "MULTIPART_INVALID_HEADER_FOLDING",
    "MULTIPART_FILE_LIMIT_EXCEEDED",
    "PATH_INFO",
    "PATH_TAILS",
    "QUERY_STRING",
    "REMOTE_ADDR",
    "REMOTE_HOST",
    "REMOTE_PORT",
    "REMOTE_USER",
    "REQBODY_ERROR",
    "REQBODY_ERROR_MSG",
    "REQBODY_PROCESSOR",
    "REQBODY_PROCESSOR_ERROR",
    "REQBODY_PROCESSOR_ERROR_MSG",
    "REQUEST_BASENAME",
    "REQUEST_BODY",
    "REQUEST_BODY_LENGTH",
    "REQUEST_COOKIES",
    "REQUEST_COOKIES_NAMES",
    "REQUEST_FILENAME",
    "REQUEST_HEADERS",
    "REQUEST_HEADERS_NAMES",
    "REQUEST_LINE",
    "REQUEST_METHOD",
    "REQUEST_PROTOCOL",
    "REQUEST_URI",
    "REQUEST_URI_RAW",
    "SERVER_ADDR",
    "SERVER_NAME",
    "SERVER_PORT",
    "UNIQUE_ID",
    "URLENCODED_ERROR",
    "XML",
    "TX",
    "IP",
    "GLOBAL",
    "SESSION",
    "USER",
    "RESOURCE",
    "GEO",
    "ENV",
    "RULE",
    "DURATION",
    "HIGHEST_SEVERITY",
    "MATCHED_VAR",
    "MATCHED_VAR_NAME",
    "MATCHED_VARS",
    "MATCHED_VARS_NAMES",
    "RESPONSE_BODY",
    "RESPONSE_CONTENT_LENGTH",
    "RESPONSE_CONTENT_TYPE",
    "RESPONSE_HEADERS",
    "RESPONSE_HEADERS_NAMES",
    "RESPONSE_PROTOCOL",
    "RESPONSE_STATUS",
};
// OUTBOUND_DATA_ERROR has no rule of a request phase in either version: read as response data.
inline constexpr std::string_view kOutboundDataError = "OUTBOUND_DATA_ERROR";

inline constexpr std::size_t kCollectionCount = kCollectionNames.size() + 1;

constexpr std::size_t index_of(Collection collection) {
  return static_cast<std::size_t>(collection);
}

constexpr std::string_view name_of(Collection collection) {
  return collection == Collection::outbound_data_error ? kOutboundDataError
                                                       : kCollectionNames[index_of(collection)];
}

constexpr bool is_response_data(Collection collection) {
  return collection >= Collection::response_body;
}

// What a Transaction holds.
constexpr bool is_data(Collection collection) {
  return collection < Collection::tx || is_response_data(collection);
}

// What Guard has nothing to say about: an empty collection.
constexpr bool is_never_set(Collection collection) {
  return collection == Collection::geo || collection == Collection::env;
}

enum class Operator : std::uint8_t {
  begins_with,
  contains,
  contains_word,
  detect_sqli,
  detect_xss,
  ends_with,
  eq,
  ge,
  geo_lookup,
  gt,
  ip_match,
  ip_match_from_file,
  le,
  lt,
  no_match,
  pm,
  pm_from_file,
  rbl,
  rx,
  streq,
  str_match,
  unconditional_match,
  validate_byte_range,
  validate_url_encoding,
  validate_utf8_encoding,
  within,
};

// They would have to ask somebody else.
constexpr bool finds_nothing(Operator op) {
  return op == Operator::geo_lookup || op == Operator::rbl;
}

constexpr bool needs_argument(Operator op) {
  switch (op) {
    case Operator::detect_sqli:
    case Operator::detect_xss:
    case Operator::geo_lookup:
    case Operator::no_match:
    case Operator::rbl:
    case Operator::unconditional_match:
    case Operator::validate_url_encoding:
    case Operator::validate_utf8_encoding:
      return false;
    default:
      return true;
  }
}

// Of numbers.
constexpr bool is_comparison(Operator op) {
  return op == Operator::eq || op == Operator::ge || op == Operator::gt || op == Operator::le ||
         op == Operator::lt;
}

struct OperatorName {
  std::string_view name;  // lower case
  Operator op;
};

inline constexpr std::array<OperatorName, 28> kOperatorNames = {{
    {"beginswith", Operator::begins_with},
    {"contains", Operator::contains},
    {"containsword", Operator::contains_word},
    {"detectsqli", Operator::detect_sqli},
    {"detectxss", Operator::detect_xss},
    {"endswith", Operator::ends_with},
    {"eq", Operator::eq},
    {"ge", Operator::ge},
    {"geolookup", Operator::geo_lookup},
    {"gt", Operator::gt},
    {"ipmatch", Operator::ip_match},
    {"ipmatchf", Operator::ip_match_from_file},
    {"ipmatchfromfile", Operator::ip_match_from_file},
    {"le", Operator::le},
    {"lt", Operator::lt},
    {"nomatch", Operator::no_match},
    {"pm", Operator::pm},
    {"pmf", Operator::pm_from_file},
    {"pmfromfile", Operator::pm_from_file},
    {"rbl", Operator::rbl},
    {"rx", Operator::rx},
    {"streq", Operator::streq},
    {"strmatch", Operator::str_match},
    {"unconditionalmatch", Operator::unconditional_match},
    {"validatebyterange", Operator::validate_byte_range},
    {"validateurlencoding", Operator::validate_url_encoding},
    {"validateutf8encoding", Operator::validate_utf8_encoding},
    {"within", Operator::within},
}};

enum class Transformation : std::uint8_t {
  base64_decode,
  base64_decode_ext,
  base64_encode,
  cmd_line,
  compress_whitespace,
  css_decode,
  escape_seq_decode,
  hex_decode,
  hex_encode,
  html_entity_decode,
  js_decode,
  length,
  lowercase,
  md5,
  normalize_path,
  normalize_path_win,
  remove_comments,
  remove_comments_char,
  remove_nulls,
  remove_whitespace,
  replace_comments,
  replace_nulls,
  sha1,
  sql_hex_decode,
  trim,
  trim_left,
  trim_right,
  uppercase,
  url_decode,
  url_decode_uni,
  url_encode,
  utf8_to_unicode,
};

inline constexpr std::size_t kTransformationCount = 32;

struct TransformationName {
  std::string_view name;  // lower case
  Transformation transformation;
};

inline constexpr std::array<TransformationName, 34> kTransformationNames = {{
    {"base64decode", Transformation::base64_decode},
    {"base64decodeext", Transformation::base64_decode_ext},
    {"base64encode", Transformation::base64_encode},
    {"cmdline", Transformation::cmd_line},
    {"compresswhitespace", Transformation::compress_whitespace},
    {"cssdecode", Transformation::css_decode},
    {"escapeseqdecode", Transformation::escape_seq_decode},
    {"hexdecode", Transformation::hex_decode},
    {"hexencode", Transformation::hex_encode},
    {"htmlentitydecode", Transformation::html_entity_decode},
    {"jsdecode", Transformation::js_decode},
    {"length", Transformation::length},
    {"lowercase", Transformation::lowercase},
    {"md5", Transformation::md5},
    {"normalisepath", Transformation::normalize_path},
    {"normalisepathwin", Transformation::normalize_path_win},
    {"normalizepath", Transformation::normalize_path},
    {"normalizepathwin", Transformation::normalize_path_win},
    {"removecomments", Transformation::remove_comments},
    {"removecommentschar", Transformation::remove_comments_char},
    {"removenulls", Transformation::remove_nulls},
    {"removewhitespace", Transformation::remove_whitespace},
    {"replacecomments", Transformation::replace_comments},
    {"replacenulls", Transformation::replace_nulls},
    {"sha1", Transformation::sha1},
    {"sqlhexdecode", Transformation::sql_hex_decode},
    {"trim", Transformation::trim},
    {"trimleft", Transformation::trim_left},
    {"trimright", Transformation::trim_right},
    {"uppercase", Transformation::uppercase},
    {"urldecode", Transformation::url_decode},
    {"urldecodeuni", Transformation::url_decode_uni},
    {"urlencode", Transformation::url_encode},
    {"utf8tounicode", Transformation::utf8_to_unicode},
}};

inline constexpr std::array<std::string_view, 24> kActionNames = {
    "allow",  "block",    "capture", "chain",      "ctl",    "deny", "drop",  "id",
    "log",    "logdata",  "msg",     "multimatch", "nolog",  "pass", "phase", "redirect",
    "setvar", "severity", "skip",    "skipafter",  "status", "t",    "tag",   "ver",
};

// Of audit logs, of what is remembered of clients, of Apache's environment.
inline constexpr std::array<std::string_view, 15> kIgnoredActionNames = {
    "accuracy",
    "maturity",
    "rev",
    "auditlog",
    "noauditlog",
    "expirevar",
    "deprecatevar",
    "initcol",
    "setenv",
    "setsid",
    "setuid",
    "setrsc",
    "sanitisearg",
    "sanitiserequestheader",
    "sanitisematched",
};

enum class ControlKind : std::uint8_t {
  remove_by_id,
  remove_by_tag,
  remove_by_msg,
  remove_target_by_id,
  remove_target_by_tag,
  remove_target_by_msg,
  rule_engine,
  request_body_processor,
  force_request_body_variable,
  request_body_access,
  response_body_access,
  nothing,  // of the audit log
};

struct ControlName {
  std::string_view name;  // lower case
  ControlKind kind;
};

inline constexpr std::array<ControlName, 17> kControlNames = {{
    {"ruleremovebyid", ControlKind::remove_by_id},
    {"ruleremovebytag", ControlKind::remove_by_tag},
    {"ruleremovebymsg", ControlKind::remove_by_msg},
    {"ruleremovetargetbyid", ControlKind::remove_target_by_id},
    {"ruleremovetargetbytag", ControlKind::remove_target_by_tag},
    {"ruleremovetargetbymsg", ControlKind::remove_target_by_msg},
    {"ruleengine", ControlKind::rule_engine},
    {"requestbodyprocessor", ControlKind::request_body_processor},
    {"forcerequestbodyvariable", ControlKind::force_request_body_variable},
    {"requestbodyaccess", ControlKind::request_body_access},
    {"requestbodylimit", ControlKind::nothing},
    {"auditengine", ControlKind::nothing},
    {"auditlogparts", ControlKind::nothing},
    {"debugloglevel", ControlKind::nothing},
    {"responsebodyaccess", ControlKind::response_body_access},
    {"responsebodylimit", ControlKind::nothing},
    {"hashengine", ControlKind::nothing},
}};

// One word a line, "operator rx", all in lower case; of those that are read and do nothing
// "operator rbl ignored".
std::string vocabulary_text();

// None of them is sensitive to case.
std::optional<Collection> collection_named(std::string_view name);
std::optional<Operator> operator_named(std::string_view name);
std::optional<Transformation> transformation_named(std::string_view name);

std::string to_lower(std::string_view text);

}  // namespace guard::inspect
