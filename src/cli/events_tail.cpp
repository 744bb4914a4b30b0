// guardctl events tail

#include <sys/stat.h>

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>

#include "cli/event_lines.h"
#include "cli/event_record.h"
#include "cli/events_command.h"
#include "cli/printable.h"
#include "core/words.h"

namespace guard::cli {

namespace {

constexpr std::size_t kLinesMax = 100'000;
constexpr std::size_t kTextMax = 256;
constexpr std::chrono::milliseconds kPoll{200};

// One line for people: time, severity, kind, decision, status, code, then who and what.
class Teller {
 public:
  std::string tell(const LogLine& line) {
    if (!line.whole) return "(a line longer than any of Guard's)\n";
    if (!record_.parse(line.text) || record_.text(Field::kind).empty()) {
      return "(no event) " + printable(line.text, kTextMax) + "\n";
    }
    std::string text = of(Field::timestamp);
    add(text, "", Field::level);
    add(text, "", Field::kind);
    add(text, "", Field::decision);
    add(text, "", Field::status);
    add(text, "", Field::code);
    add(text, "policy=", Field::policy);
    add(text, "", Field::method);
    const std::string domain = of(Field::domain);
    const std::string path = of(Field::path);
    if (!domain.empty() || !path.empty()) text.append(" ").append(domain).append(path);
    add(text, "from=", record_.text(Field::address).empty() ? Field::address_hash : Field::address);
    add(text,
        "user=", record_.text(Field::user_name).empty() ? Field::user_hash : Field::user_name);
    add(text, "count=", Field::count);
    add(text, "pointer=", Field::pointer);
    add(text, "directive=", Field::effective_directive);
    add(text, "blocked=", Field::blocked_uri);
    add(text, "page=", Field::page);
    add(text, "id=", Field::request_id);
    add(text, "- ", Field::reason);
    return text + "\n";
  }

 private:
  std::string of(Field field) const { return printable(record_.text(field), kTextMax); }
  void add(std::string& text, std::string_view before, Field field) const {
    const std::string value = of(field);
    if (!value.empty()) text.append(" ").append(before).append(value);
  }

  EventRecord record_;
};

// Reads on from where it is, and goes over to the file that takes this one's name.
class Follower {
 public:
  explicit Follower(std::string_view name) : name_(name) { open(); }

  // What is there, at most a buffer of it; of a pipe, what comes next. False at the end.
  template <class OnLine>
  bool read_some(OnLine&& on_line) {
    const std::size_t size = file_->read(buffer_.data(), buffer_.size());
    position_ += size;
    splitter_.feed({buffer_.data(), size}, on_line);
    return size != 0;
  }

  template <class OnLine>
  void read(OnLine&& on_line) {
    while (read_some(on_line)) {
    }
  }

  // A pipe, a terminal: its last lines are known when nothing more comes.
  bool streams() const {
    struct stat held {};
    return ::fstat(file_->fd(), &held) == 0 && !S_ISREG(held.st_mode);
  }

  // Nobody can open standard input anew.
  bool may_go_on() const { return name_ != "-" || !streams(); }

  // Whether there is another file now, or the same one begun anew; to be asked when all is read.
  template <class OnLine>
  bool renewed(OnLine&& on_line) {
    struct stat now {};
    struct stat held {};
    if (::fstat(file_->fd(), &held) != 0) return false;
    const bool cut = !file_->packed() && S_ISREG(held.st_mode) &&
                     static_cast<std::uint64_t>(held.st_size) < position_;
    // Between a renaming and the new file there is none of this name.
    const bool other = name_ != "-" && ::stat(name_.c_str(), &now) == 0 &&
                       (now.st_ino != held.st_ino || now.st_dev != held.st_dev);
    if (!cut && !other) return false;
    // What came to the old file since.
    if (!cut) read(on_line);
    splitter_.finish(on_line);
    splitter_ = {};
    open();
    return true;
  }

  template <class OnLine>
  void finish(OnLine&& on_line) {
    splitter_.finish(on_line);
  }

 private:
  void open() {
    file_ = std::make_unique<LogFile>(name_);
    position_ = 0;
  }

  std::string name_;
  std::unique_ptr<LogFile> file_;
  LineSplitter splitter_;
  std::string buffer_ = std::string(256 * 1024, '\0');
  std::uint64_t position_ = 0;
};

}  // namespace

int tail_events(std::span<const std::string_view> words) {
  static constexpr std::array<std::string_view, 1> kNamed = {"n"};
  static constexpr std::array<std::string_view, 1> kFlags = {"f"};
  const EventWords parsed("tail", words, kNamed, kFlags);
  if (parsed.rest().size() != 1) throw UsageError("\"events tail\" needs one file");
  std::size_t wanted = 10;
  if (const auto number = parsed.named("n")) {
    try {
      wanted = core::parse_number("-n", *number, 0, kLinesMax);
    } catch (const core::ConfigError& error) {
      throw UsageError(error.what());
    }
  }

  const bool follows = parsed.flag("f");
  Teller teller;
  Follower follower(parsed.rest().front());
  const auto tell = [&](const LogLine& line) { print(teller.tell(line)); };
  // The lines themselves, since telling each of them would take longer than reading.
  std::deque<std::pair<std::string, bool>> last;
  const auto remember = [&](const LogLine& line) {
    if (wanted == 0) return;
    if (last.size() == wanted) last.pop_front();
    last.emplace_back(line.whole ? line.text : std::string_view{}, line.whole);
  };
  if (!follows || !follower.streams()) follower.read(remember);
  // With -f a line that is still being written is told when it is there.
  if (!follows) follower.finish(remember);
  for (const auto& [text, whole] : last) print(teller.tell({text, 0, whole, true}));
  last.clear();
  flush_output();

  while (follows) {
    do {
      while (follower.read_some(tell)) flush_output();
    } while (follower.renewed(tell));
    if (!follower.may_go_on()) {
      follower.finish(tell);
      break;
    }
    flush_output();
    std::this_thread::sleep_for(kPoll);
  }
  return kDone;
}

}  // namespace guard::cli
