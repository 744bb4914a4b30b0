// Bodies of type multipart/form-data (RFC 7578, RFC 2046 section 5.1), read as they come. Strict:
// wherever two parsers could disagree about where a part begins and ends, what it is called, or
// whether it is a file, there is a fault. docs/multipart.md lists them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace guard::core {

enum class MultipartFault : std::uint8_t {
  none,
  media_type,         // multipart, but not exactly one well-formed multipart/form-data
  boundary,           // no boundary parameter, a second one, or one that parsers read differently
  preamble,           // something before the first delimiter
  epilogue,           // something behind the last one
  delimiter,          // the boundary where it delimits nothing, or with more behind it
  truncated,          // no closing delimiter
  parts,              // too many
  header_size,        // more than MultipartParser::kMaxHeader bytes in front of one part
  header_syntax,      // a line that is no field, or does not end in CR LF
  header_folded,      // a field over several lines
  header_unknown,     // a field that RFC 7578 does not know
  header_duplicate,   // a field twice
  disposition,        // no Content-Disposition, or one that is not form-data
  parameter,          // of it: unknown, twice, or malformed
  extended,           // of it: name*, filename* (RFC 7578, section 4.2)
  quoting,            // of it: a backslash, which parsers take for an escape or for itself
  encoding,           // not UTF-8
  encoded_word,       // of RFC 2047
  name,               // missing or empty
  part_type,          // a Content-Type that is none
  nested,             // a part that is itself multipart
  transfer_encoding,  // one that changes the bytes
  length,             // a part's Content-Length is not its length
  ambiguous,          // neither file nor field: application/octet-stream without a filename
  stopped,            // the sink has had enough
};

// "header_folded"
std::string_view name_of(MultipartFault fault) noexcept;
// A sentence without a full stop.
std::string_view explain(MultipartFault fault) noexcept;

// What a Content-Type says.
struct MultipartType {
  bool multipart = false;  // or what some parser may take for it
  MultipartFault fault = MultipartFault::none;
  std::string_view boundary;  // within the value; where there is no fault
};
MultipartType multipart_type(std::string_view content_type) noexcept;

struct MultipartPart {
  std::string_view name;                     // UTF-8 without control characters, not empty
  std::optional<std::string_view> filename;  // UTF-8 without control characters; may be empty
  std::string_view type;                     // Content-Type as it stands there; empty: none
  std::optional<std::uint64_t> length;       // of Content-Length
  std::string_view fields;                   // all header lines, each with its CR LF
  bool is_file() const noexcept { return filename.has_value(); }
  // What Go and Django take for a field, since its filename is empty.
  bool may_be_field() const noexcept { return is_file() && filename->empty(); }
  // What formidable sees otherwise, which looks for a Content-Type and not for a filename.
  bool has_odd_type() const noexcept { return is_file() == type.empty(); }
};

// Adds a line, without its CR LF, of a part's header. The views of the part lead into the line.
MultipartFault read_part_field(std::string_view line, MultipartPart& part) noexcept;

class MultipartSink {
 public:
  // False ends the parse: MultipartFault::stopped. The views hold until end().
  virtual bool begin(const MultipartPart& part) noexcept = 0;
  // The part's content, piece by piece.
  virtual bool data(std::string_view bytes) noexcept = 0;
  virtual bool end() noexcept = 0;

 protected:
  ~MultipartSink() = default;
};

// Keeps nothing but the header of one part; what it holds back of a content is the beginning of a
// delimiter. However the input is cut into pieces, the sink gets the same parts and contents, and
// a fault is the same one at the same place. Trivially destructible.
class MultipartParser {
 public:
  static constexpr std::size_t kMaxHeader = 4096;
  static constexpr std::size_t kMaxBoundary = 70;

  // boundary: of a MultipartType. parts: at most so many.
  MultipartParser(std::string_view boundary, std::uint32_t parts) noexcept;

  // False after a fault; then it must not be called again.
  bool feed(std::string_view bytes, MultipartSink& sink) noexcept;
  // At the end of the body.
  bool finish() noexcept;

  MultipartFault fault() const noexcept { return fault_; }
  // The number of bytes up to and with the one that made the fault, or that were fed.
  std::uint64_t offset() const noexcept { return offset_; }
  // The part that was begun last, also while its header is read.
  const MultipartPart& part() const noexcept { return part_; }
  std::uint32_t parts() const noexcept { return count_; }

 private:
  enum class State : std::uint8_t { start, delimited, header, content, closing, closed };
  static constexpr std::size_t kMaxDelimiter = kMaxBoundary + 4;  // CR LF "--" boundary
  using Table = std::array<std::uint8_t, kMaxDelimiter + 1>;

  std::string_view delimiter() const noexcept { return {delimiter_.data(), delimiter_size_}; }
  std::string_view dashes() const noexcept { return delimiter().substr(2); }
  bool fail(MultipartFault fault) noexcept;
  bool read_start(char c) noexcept;
  bool read_delimited(char c) noexcept;
  bool read_header(char c, MultipartSink& sink) noexcept;
  bool read_closed(char c) noexcept;
  // How many bytes it took, of which those behind the content are the delimiter's; none after a
  // fault.
  std::optional<std::size_t> read_content(std::string_view bytes, MultipartSink& sink) noexcept;
  bool emit(std::size_t held, std::string_view bytes, std::size_t size,
            MultipartSink& sink) noexcept;
  bool begin_part(MultipartSink& sink) noexcept;
  bool end_part(MultipartSink& sink) noexcept;

  std::array<char, kMaxDelimiter> delimiter_;
  std::size_t delimiter_size_;
  Table delimiter_borders_;  // of Knuth, Morris and Pratt, for the delimiter
  Table dashes_borders_;     // and for what follows its CR LF
  std::size_t matched_ = 0;  // of the delimiter: so many bytes are held back
  std::size_t dashes_matched_ = 0;
  std::uint32_t max_parts_;
  std::uint32_t count_ = 0;
  State state_ = State::start;
  char last_ = 0;  // the byte before, where two belong together
  MultipartFault fault_ = MultipartFault::none;
  std::uint64_t offset_ = 0;
  std::uint64_t content_size_ = 0;
  MultipartPart part_{};
  std::size_t header_size_ = 0;
  std::size_t line_start_ = 0;
  std::array<char, kMaxHeader> header_;
};

}  // namespace guard::core
