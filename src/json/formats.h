// The formats one by one; see format.h. Each answers whether text is one.
#pragma once

#include <string_view>

namespace guard::json::formats {

// RFC 3339, section 5.6; years of four digits, leap seconds only where UTC has them. duration: its
// appendix A.
bool is_date(std::string_view text) noexcept;
bool is_time(std::string_view text) noexcept;
bool is_date_time(std::string_view text) noexcept;
bool is_duration(std::string_view text) noexcept;
// ISO 8601: the offset may be missing (LocalDateTime of Java, DateTime of .NET, what Python calls
// naive), and so may the seconds. Of a duration any units may be missing, and each number may have
// a sign and a fraction.
bool is_iso_time(std::string_view text) noexcept;
bool is_iso_date_time(std::string_view text) noexcept;
bool is_iso_duration(std::string_view text) noexcept;

// RFC 1123, section 2.1, with A-labels of RFC 5891; idn-hostname: U-labels as well.
bool is_hostname(std::string_view text) noexcept;
bool is_idn_hostname(std::string_view text) noexcept;
// RFC 2673, section 3.2, and RFC 4291, section 2.2, without a zone.
bool is_ipv4(std::string_view text) noexcept;
bool is_ipv6(std::string_view text) noexcept;
// Mailbox of RFC 5321, section 4.1.2, and of RFC 6531, section 3.3.
bool is_email(std::string_view text) noexcept;
bool is_idn_email(std::string_view text) noexcept;

// Of a host or a mailbox, what its labels that are for IDNA to judge take: extra_steps().
std::size_t idna_steps(std::string_view text) noexcept;

// RFC 3986 and RFC 3987; RFC 6570 up to level 4.
bool is_uri(std::string_view text) noexcept;
bool is_uri_reference(std::string_view text) noexcept;
bool is_iri(std::string_view text) noexcept;
bool is_iri_reference(std::string_view text) noexcept;
bool is_uri_template(std::string_view text) noexcept;

// RFC 4122, RFC 6901 (not as a URI's fragment), and the draft of relative pointers.
bool is_uuid(std::string_view text) noexcept;
bool is_json_pointer(std::string_view text) noexcept;
bool is_relative_json_pointer(std::string_view text) noexcept;
// ECMA-262, as pattern_syntax.h knows it.
bool is_regex(std::string_view text) noexcept;

}  // namespace guard::json::formats
