#include "events/file_sink.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "unit.h"

namespace events = guard::events;
using guard::unit::expect_text;

namespace {

// A file of its own in $TMPDIR, gone with the object.
class TempFile {
 public:
  TempFile() {
    const char* folder = getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/guard-sink-XXXXXX";
    close(mkstemp(path_.data()));
  }
  ~TempFile() { unlink(path_.c_str()); }

  int append() const { return open(path_.c_str(), O_WRONLY | O_APPEND); }
  const char* path() const { return path_.c_str(); }
  std::string text() const {
    std::ifstream file(path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

void buffers_until_told(void**) {
  TempFile file;
  const int fd = file.append();
  events::TornMark torn;
  events::FileSink sink(torn, 1000, 100);
  sink.attach(fd);
  assert_true(sink.append("one\n"));
  expect_text(file.text(), "");
  assert_true(sink.pending());
  assert_int_equal(sink.waiting(), 1);
  assert_true(sink.flush());
  assert_false(sink.pending());
  assert_int_equal(sink.waiting(), 0);
  expect_text(file.text(), "one\n");
  assert_true(sink.append(std::string(99, 'x') + "\n"));
  assert_false(sink.pending());
  assert_int_equal(file.text().size(), 104);
  close(fd);
}

void reopens(void**) {
  TempFile first;
  TempFile second;
  int fd = first.append();
  events::TornMark torn;
  events::FileSink sink(torn, 1000, 100);
  sink.attach(fd);
  sink.append("one\n");
  sink.flush();
  close(fd);
  fd = second.append();
  sink.attach(fd);
  sink.append("two\n");
  sink.flush();
  expect_text(first.text(), "one\n");
  expect_text(second.text(), "two\n");
  close(fd);
}

void loses_and_counts(void**) {
  const int fd = open("/dev/full", O_WRONLY | O_APPEND);
  assert_true(fd >= 0);
  events::TornMark torn;
  events::FileSink sink(torn, 100, 40);
  sink.attach(fd);
  for (int i = 0; i < 10; ++i) assert_true(sink.append("123456789\n"));
  assert_int_equal(sink.error(), ENOSPC);
  assert_false(sink.append("x\n"));
  assert_false(sink.append("y\n"));
  assert_int_equal(sink.take_lost(), 2);
  assert_int_equal(sink.lost(), 0);
  assert_false(sink.flush());

  TempFile file;
  const int good = file.append();
  sink.attach(good);
  assert_true(sink.flush());
  assert_int_equal(sink.error(), 0);
  assert_int_equal(file.text().size(), 100);
  close(good);
  close(fd);
}

// A limit in the middle of a line stands for a full disk.
void torn_line(void**) {
  TempFile file;
  // Another process, since the limit is one of the process.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {15, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    const int fd = file.append();
    events::TornMark torn;
    events::FileSink sink(torn, 1000, 500);
    sink.attach(fd);
    events::FileSink other(torn, 1000, 500);
    other.attach(fd);
    sink.append("123456789\n");
    sink.append("abcdefghi\n");
    sink.append("ABCDEFGHI\n");
    bool ok = !sink.flush() && sink.pending() && !sink.flush();
    const rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &none);
    // Another worker comes first.
    ok = ok && other.append("other\n") && other.flush();
    ok = ok && sink.flush() && sink.append("more\n") && sink.flush();
    _exit(ok ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  assert_int_equal(status, 0);
  expect_text(file.text(), "123456789\nabcde\nother\nabcdefghi\nABCDEFGHI\nmore\n");
}

void torn_line_of_others(void**) {
  TempFile file;
  assert_false(events::ends_torn(file.path()));
  const int fd = file.append();
  assert_int_equal(write(fd, "whole\n", 6), 6);
  assert_false(events::ends_torn(file.path()));
  assert_int_equal(write(fd, "to", 2), 2);
  assert_true(events::ends_torn(file.path()));
  assert_false(events::ends_torn("/no/such/file"));
  assert_false(events::ends_torn("/dev/null"));
  assert_false(events::ends_torn("/"));
  close(fd);
}

void pipe_gets_whole_lines(void**) {
  int ends[2];
  assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
  events::TornMark torn;
  events::FileSink sink(torn, 1 << 20, 1 << 19);
  sink.attach(ends[1]);
  const std::string line = std::string(3000, 'x') + "\n";
  for (int i = 0; i < 40; ++i) assert_true(sink.append(line));
  // The pipe holds 64 KiB by default; each line is a write of its own, since two are over PIPE_BUF.
  assert_false(sink.flush());
  assert_int_equal(sink.error(), EAGAIN);
  std::string got;
  std::string piece(PIPE_BUF, '\0');
  for (;;) {
    const ssize_t n = read(ends[0], piece.data(), piece.size());
    if (n > 0) {
      got.append(piece, 0, static_cast<std::size_t>(n));
      continue;
    }
    if (!sink.pending()) break;
    assert_int_equal(got.size() % line.size(), 0);
    sink.flush();
  }
  assert_int_equal(got.size(), 40 * line.size());
  close(ends[0]);
  close(ends[1]);
}

void bad_descriptor(void**) {
  events::TornMark torn;
  events::FileSink sink(torn, 100, 50);
  assert_true(sink.append("a\n"));
  assert_false(sink.flush());
  assert_int_equal(sink.error(), EBADF);
}

// Several processes, one file: no line is mixed with another, none is lost.
void many_writers(void**) {
  TempFile file;
  constexpr int kWriters = 4;
  constexpr int kLines = 2000;
  pid_t children[kWriters];
  for (int w = 0; w < kWriters; ++w) {
    children[w] = fork();
    if (children[w] != 0) continue;
    const int fd = file.append();
    events::TornMark torn;
    events::FileSink sink(torn, 65536, 8192);
    sink.attach(fd);
    bool ok = true;
    for (int i = 0; i < kLines; ++i) {
      ok = ok && sink.append(std::string(1, static_cast<char>('a' + w)) + std::string(50, '.') +
                             std::to_string(i) + "\n");
    }
    _exit(ok && sink.flush() ? 0 : 1);
  }
  for (pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
  }
  std::istringstream text(file.text());
  int next[kWriters] = {};
  for (std::string line; std::getline(text, line);) {
    const int w = line[0] - 'a';
    assert_true(w >= 0 && w < kWriters);
    expect_text(line.substr(1), std::string(50, '.') + std::to_string(next[w]++));
  }
  for (int count : next) assert_int_equal(count, kLines);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(buffers_until_told),  cmocka_unit_test(reopens),
      cmocka_unit_test(loses_and_counts),    cmocka_unit_test(torn_line),
      cmocka_unit_test(torn_line_of_others), cmocka_unit_test(pipe_gets_whole_lines),
      cmocka_unit_test(bad_descriptor),      cmocka_unit_test(many_writers),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
