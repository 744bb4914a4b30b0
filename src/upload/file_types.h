// The types that types= can name: which extensions go with each, what browsers also call it, and
// what libmagic says of its contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace guard::upload {

struct FileType {
  std::string_view name;                         // "image/png"
  std::span<const std::string_view> extensions;  // in lower case, without the dot
  std::span<const std::string_view> declared;    // other media types that clients declare
  std::span<const std::string_view> detected;    // besides the name: what libmagic says
};

// Bits by position in file_types().
using TypeSet = std::uint64_t;

std::span<const FileType> file_types() noexcept;
std::optional<std::size_t> type_named(std::string_view name) noexcept;

// Of a set: the type that a part's Content-Type declares, parameters and case aside.
std::optional<std::size_t> declared_type(TypeSet types, std::string_view content_type) noexcept;
bool has_extension(const FileType& type, std::string_view lower) noexcept;
// Pictures, films, sounds and PDF.
bool holds_no_script(const FileType& type) noexcept;
// Of these, all but PDF, which files are attached to.
bool holds_no_file(const FileType& type) noexcept;
bool is_text(const FileType& type) noexcept;
bool is_detected(const FileType& type, std::string_view detected) noexcept;
// The same of a file whose end libmagic has not seen: it takes JSON for text then.
bool is_begun(const FileType& type, std::string_view detected, std::string_view head) noexcept;

// Extensions, in lower case, that a server or a browser may run, and those of all known types.
bool is_active_extension(std::string_view lower) noexcept;
bool is_known_extension(std::string_view lower) noexcept;

}  // namespace guard::upload
