#include "upload/file_types.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace guard::upload {

namespace {

using Names = std::span<const std::string_view>;

constexpr auto list(auto... names) {
  return std::array<std::string_view, sizeof...(names)>{names...};
}

constexpr auto kPng = list("png");
constexpr auto kJpeg = list("jpg", "jpeg", "jpe", "jfif");
constexpr auto kJpegDeclared = list("image/jpg", "image/pjpeg");
constexpr auto kGif = list("gif");
constexpr auto kWebp = list("webp");
constexpr auto kAvif = list("avif");
constexpr auto kHeic = list("heic", "heif");
constexpr auto kHeicDeclared = list("image/heif");
constexpr auto kHeicDetected = list("image/heif", "image/heif-sequence", "image/heic-sequence");
constexpr auto kBmp = list("bmp");
constexpr auto kBmpDeclared = list("image/x-ms-bmp", "image/x-bmp");
constexpr auto kBmpDetected = list("image/x-ms-bmp");
constexpr auto kTiff = list("tif", "tiff");
constexpr auto kIcon = list("ico");
constexpr auto kIconDeclared = list("image/vnd.microsoft.icon");
constexpr auto kIconDetected = list("image/vnd.microsoft.icon");
constexpr auto kPdf = list("pdf");
constexpr auto kText = list("txt", "text", "log");
constexpr auto kMarkdown = list("md", "markdown");
constexpr auto kPlain = list("text/plain");
constexpr auto kTextDetected =
    list("text/plain", "text/csv", "application/csv", "application/json", "application/x-ndjson");
constexpr auto kCsv = list("csv");
constexpr auto kCsvDeclared = list("application/csv", "application/vnd.ms-excel");
constexpr auto kCsvDetected = list("text/plain", "application/csv");
constexpr auto kJson = list("json");
constexpr auto kZip = list("zip");
constexpr auto kZipDeclared = list("application/x-zip-compressed", "application/x-zip");
constexpr auto kGzip = list("gz", "tgz");
constexpr auto kGzipDeclared = list("application/x-gzip");
constexpr auto kDocx = list("docx");
constexpr auto kXlsx = list("xlsx");
constexpr auto kPptx = list("pptx");
constexpr auto kOdt = list("odt");
constexpr auto kOds = list("ods");
constexpr auto kOdp = list("odp");
constexpr auto kEpub = list("epub");
constexpr auto kMp3 = list("mp3");
constexpr auto kMp3Declared = list("audio/mp3");
constexpr auto kWav = list("wav");
constexpr auto kWavDeclared = list("audio/x-wav", "audio/wave", "audio/vnd.wave");
constexpr auto kWavDetected = list("audio/x-wav");
constexpr auto kOgg = list("ogg", "oga", "opus");
constexpr auto kOggDeclared = list("application/ogg", "audio/opus");
constexpr auto kFlac = list("flac");
constexpr auto kFlacDeclared = list("audio/x-flac");
constexpr auto kFlacDetected = list("audio/x-flac");
constexpr auto kM4a = list("m4a");
constexpr auto kM4aDeclared = list("audio/x-m4a", "audio/m4a");
constexpr auto kM4aDetected = list("audio/x-m4a", "video/mp4");
constexpr auto kMp4 = list("mp4", "m4v");
constexpr auto kMp4Declared = list("video/x-m4v");
constexpr auto kMp4Detected = list("video/x-m4v");
constexpr auto kQuickTime = list("mov", "qt");
constexpr auto kWebm = list("webm");

#define OFFICE "application/vnd.openxmlformats-officedocument."
#define OPEN "application/vnd.oasis.opendocument."

constexpr std::array kTypes = std::to_array<FileType>({
    {"image/png", kPng, {}, {}},
    {"image/jpeg", kJpeg, kJpegDeclared, {}},
    {"image/gif", kGif, {}, {}},
    {"image/webp", kWebp, {}, {}},
    {"image/avif", kAvif, {}, {}},
    {"image/heic", kHeic, kHeicDeclared, kHeicDetected},
    {"image/bmp", kBmp, kBmpDeclared, kBmpDetected},
    {"image/tiff", kTiff, {}, {}},
    {"image/x-icon", kIcon, kIconDeclared, kIconDetected},
    {"application/pdf", kPdf, {}, {}},
    {"text/plain", kText, {}, kTextDetected},
    {"text/markdown", kMarkdown, kPlain, kTextDetected},
    {"text/csv", kCsv, kCsvDeclared, kCsvDetected},
    {"application/json", kJson, {}, {}},
    {"application/zip", kZip, kZipDeclared, {}},
    {"application/gzip", kGzip, kGzipDeclared, kGzipDeclared},
    {OFFICE "wordprocessingml.document", kDocx, {}, {}},
    {OFFICE "spreadsheetml.sheet", kXlsx, {}, {}},
    {OFFICE "presentationml.presentation", kPptx, {}, {}},
    {OPEN "text", kOdt, {}, {}},
    {OPEN "spreadsheet", kOds, {}, {}},
    {OPEN "presentation", kOdp, {}, {}},
    {"application/epub+zip", kEpub, {}, {}},
    {"audio/mpeg", kMp3, kMp3Declared, {}},
    {"audio/wav", kWav, kWavDeclared, kWavDetected},
    {"audio/ogg", kOgg, kOggDeclared, {}},
    {"audio/flac", kFlac, kFlacDeclared, kFlacDetected},
    {"audio/mp4", kM4a, kM4aDeclared, kM4aDetected},
    {"video/mp4", kMp4, kMp4Declared, kMp4Detected},
    {"video/quicktime", kQuickTime, {}, {}},
    {"video/webm", kWebm, {}, {}},
});
static_assert(kTypes.size() <= 64);

#undef OFFICE
#undef OPEN

constexpr auto kActive = list(
    "php", "php3", "php4", "php5", "php7", "php8", "phps", "phtml", "pht", "phar", "inc", "hphp",
    "ctp", "module", "asp", "aspx", "asa", "asax", "ascx", "ashx", "asmx", "cer", "cdx", "config",
    "cshtml", "vbhtml", "master", "soap", "jsp", "jspx", "jspf", "jsw", "jsv", "jhtml", "do",
    "action", "war", "jar", "class", "cfm", "cfml", "cfc", "pl", "pm", "cgi", "fcgi", "py", "pyc",
    "rb", "lua", "sh", "bash", "zsh", "ksh", "csh", "ps1", "psm1", "bat", "cmd", "com", "exe",
    "dll", "so", "msi", "scr", "pif", "cpl", "hta", "vbs", "vbe", "js", "jse", "mjs", "cjs", "ts",
    "wsf", "wsh", "lnk", "url", "reg", "inf", "html", "htm", "xhtml", "xht", "shtml", "shtm", "stm",
    "htc", "mht", "mhtml", "svg", "svgz", "xml", "xsl", "xslt", "xsd", "dtd", "swf", "htaccess",
    "htpasswd", "env", "ini", "conf", "yml", "yaml", "wasm", "apk", "deb", "rpm", "app", "dmg");

bool has(Names names, std::string_view name) noexcept {
  return std::ranges::any_of(names, [name](std::string_view one) { return one == name; });
}

}  // namespace

std::span<const FileType> file_types() noexcept {
  return kTypes;
}

std::optional<std::size_t> type_named(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kTypes, name, &FileType::name);
  if (found == kTypes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kTypes.begin());
}

std::optional<std::size_t> declared_type(TypeSet types, std::string_view content_type) noexcept {
  const std::string_view name = content_type.substr(0, content_type.find_first_of("; \t"));
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if ((types >> i & 1) == 0) continue;
    const auto is_name = [name](std::string_view one) {
      return core::equal_without_case(name, one);
    };
    if (is_name(kTypes[i].name) || std::ranges::any_of(kTypes[i].declared, is_name)) return i;
  }
  return std::nullopt;
}

bool has_extension(const FileType& type, std::string_view lower) noexcept {
  return has(type.extensions, lower);
}

bool holds_no_script(const FileType& type) noexcept {
  return type.name == "application/pdf" || holds_no_file(type);
}

bool holds_no_file(const FileType& type) noexcept {
  return type.name.starts_with("image/") || type.name.starts_with("audio/") ||
         type.name.starts_with("video/");
}

bool is_text(const FileType& type) noexcept {
  return type.name.starts_with("text/");
}

bool is_detected(const FileType& type, std::string_view detected) noexcept {
  return detected == type.name || has(type.detected, detected);
}

bool is_begun(const FileType& type, std::string_view detected, std::string_view head) noexcept {
  if (type.name != "application/json" || detected != "text/plain") return false;
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (head[first] == '{' || head[first] == '[');
}

bool is_active_extension(std::string_view lower) noexcept {
  return has(kActive, lower);
}

bool is_known_extension(std::string_view lower) noexcept {
  return std::ranges::any_of(kTypes,
                             [lower](const FileType& type) { return has_extension(type, lower); });
}

}  // namespace guard::upload
