// A log as lines, whatever it holds, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

struct gzFile_s;  // zlib's

namespace guard::cli {

struct LogLine {
  std::string_view text;     // without its line feed; only the first LineSplitter::kMax bytes
  std::uint64_t number = 0;  // from 1
  bool whole = true;         // text is all of it
  bool ended = true;         // by a line feed; otherwise the log ends in it
};

class LineSplitter {
 public:
  // Longer than eight lines of Guard's, should torn ones stand before a whole one.
  static constexpr std::size_t kMax = 65536;

  // Calls on_line(const LogLine&) for each line that ends in bytes.
  template <class OnLine>
  void feed(std::string_view bytes, OnLine&& on_line) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) {
        keep(bytes);
        return;
      }
      const std::string_view rest = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      ++number_;
      if (!begun_ && rest.size() <= kMax) {
        on_line(LogLine{rest, number_, true, true});
        continue;
      }
      keep(rest);
      on_line(LogLine{held_, number_, whole_, true});
      reset();
    }
  }

  // The log has ended: what is left is a line without a line feed.
  template <class OnLine>
  void finish(OnLine&& on_line) {
    if (!begun_) return;
    on_line(LogLine{held_, ++number_, whole_, false});
    reset();
  }

 private:
  void keep(std::string_view bytes) {
    begun_ = true;
    const std::string_view fits = bytes.substr(0, kMax - held_.size());
    held_.append(fits);
    whole_ = whole_ && fits.size() == bytes.size();
  }
  void reset() {
    held_.clear();
    begun_ = false;
    whole_ = true;
  }

  std::string held_;
  std::uint64_t number_ = 0;
  bool begun_ = false;
  bool whole_ = true;
};

// A file, also one compressed by gzip, or standard input for "-".
class LogFile {
 public:
  // Throws std::runtime_error: cannot read "NAME": REASON
  explicit LogFile(std::string_view name);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  // What comes next, at most buffer.size() bytes; 0 at the end. Throws as above.
  std::size_t read(char* buffer, std::size_t size);

  int fd() const { return fd_; }
  bool packed() const { return packed_ != nullptr; }

 private:
  std::string name_;
  int fd_ = -1;
  gzFile_s* packed_ = nullptr;
};

// Calls on_line for each line of the file.
template <class OnLine>
void for_each_line(std::string_view name, OnLine&& on_line) {
  LogFile file(name);
  LineSplitter splitter;
  std::string buffer(256 * 1024, '\0');
  while (const std::size_t size = file.read(buffer.data(), buffer.size())) {
    splitter.feed({buffer.data(), size}, on_line);
  }
  splitter.finish(on_line);
}

}  // namespace guard::cli
