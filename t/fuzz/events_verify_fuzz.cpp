// A log of two workers with its checkpoints, changed as the input says: whatever the change, it is
// noticed, in whatever pieces the log is read; and no text of the verifier holds a control
// character.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "cli/event_lines.h"
#include "cli/events_verifier.h"
#include "events/chain.h"

namespace cli = guard::cli;
namespace core = guard::core;
namespace events = guard::events;

namespace {

constexpr std::string_view kSecret = "a secret of the fuzzer";
constexpr std::uint64_t kStart = 1795491000000;

void expect(bool holds) {
  if (!holds) std::abort();
}

struct Log {
  std::vector<std::string> lines;
  std::string checkpoints;
};

const Log& log() {
  static const Log made = [] {
    Log log;
    const core::Secret secret{kSecret};
    events::Chain one(secret, {"1795491000000-1", "host", "/log"});
    events::Chain two(secret, {"1795491000000-2", "host", "/log"});
    std::array<char, events::kCheckpointMax> out;
    const auto sign = [&](events::Chain& chain, events::CheckpointState state) {
      log.checkpoints.append(out.data(), chain.checkpoint(state, kStart, out));
    };
    sign(one, events::CheckpointState::open);
    sign(two, events::CheckpointState::open);
    std::uint64_t sequence = 0;
    while (log.lines.size() < 12) {
      ++sequence;
      for (events::Chain* chain : {&one, &two}) {
        std::string line = "{\"@timestamp\":\"2026-11-24T03:30:0" + std::to_string(sequence) +
                           ".000Z\",\"event\":{\"sequence\":" + std::to_string(sequence) +
                           "},\"process\":{\"entity_id\":\"1795491000000-" +
                           (chain == &one ? "1" : "2") + "\"}}\n";
        const std::size_t size = line.size();
        line.resize(size + events::kSealSize);
        expect(chain->seal(line, size, sequence, kStart) == line.size());
        chain->took();
        log.lines.push_back(line);
      }
    }
    sign(one, events::CheckpointState::end);
    sign(two, events::CheckpointState::end);
    return log;
  }();
  return made;
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  std::size_t next(std::size_t below) {
    if (size_ == 0) return 0;
    --size_;
    return *data_++ % below;
  }
  std::string text(std::size_t size) {
    size = std::min(size, size_);
    std::string text(reinterpret_cast<const char*>(data_), size);
    data_ += size;
    size_ -= size;
    return text;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

void change(std::vector<std::string>& lines, Input& input) {
  if (lines.empty()) return;
  const std::size_t operation = input.next(7);
  const std::size_t i = input.next(lines.size());
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(i);
  const std::size_t j = input.next(std::max<std::size_t>(lines.size(), 1));
  switch (operation) {
    case 0:
      lines.erase(at);
      break;
    case 1:
      lines.insert(at, lines[j]);
      break;
    case 2:
      std::swap(lines[i], lines[j]);
      break;
    case 3:
      if (!lines[i].empty()) {
        const std::size_t offset = (j * 256 + input.next(256)) % lines[i].size();
        lines[i][offset] = static_cast<char>(input.next(256));
      }
      break;
    case 4:
      lines.insert(at, input.text(j * 16) + "\n");
      break;
    case 5:
      lines[i].insert((j * 256 + input.next(256)) % (lines[i].size() + 1), input.text(8));
      break;
    default:
      lines[i].resize((j * 256 + input.next(256)) % (lines[i].size() + 1));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t piece = 1 + input.next(255);
  const std::size_t split = input.next(13);
  std::vector<std::string> lines = log().lines;
  for (int changes = 0; changes < 20 && !input.empty(); ++changes) change(lines, input);

  cli::EventsVerifier verifier{core::Secret(kSecret)};
  const auto feed = [&](std::string_view text, auto&& on_line) {
    cli::LineSplitter splitter;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      splitter.feed(text.substr(0, piece), on_line);
    }
    splitter.finish(on_line);
  };
  verifier.begin_file("checks");
  feed(log().checkpoints, [&](const cli::LogLine& line) { verifier.checkpoint(line); });
  std::string all;
  std::string half;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // Rotated behind a whole line, as nginx does.
    if (i == split && half.ends_with('\n')) {
      verifier.begin_file("log.1");
      feed(half, [&](const cli::LogLine& line) { verifier.log_line(line); });
      half.clear();
    }
    half += lines[i];
    all += lines[i];
  }
  verifier.begin_file("log");
  feed(half, [&](const cli::LogLine& line) { verifier.log_line(line); });
  verifier.finish();

  std::string original;
  for (const std::string& line : log().lines) original += line;
  const bool noticed = verifier.finding_count() + verifier.note_count() != 0;
  if (all == original) {
    expect(!noticed);
  } else if (!noticed) {
    // The order of two workers' lines among each other is nobody's promise.
    std::vector<std::string> is;
    std::vector<std::string> was = log().lines;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find('\n', at), all.size() - 1) + 1;
      is.push_back(all.substr(at, end - at));
      at = end;
    }
    std::ranges::sort(is);
    std::ranges::sort(was);
    expect(is == was);
  }
  for (const auto* list : {&verifier.findings(), &verifier.notes()}) {
    for (const cli::Finding& finding : *list) {
      for (char c : verifier.tell(finding)) expect(static_cast<unsigned char>(c) >= 0x20);
    }
  }
  return 0;
}
