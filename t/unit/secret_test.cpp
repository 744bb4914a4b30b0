#include "core/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <type_traits>

#include "unit.h"

namespace core = guard::core;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

std::string folder;

int make_folder(void**) {
  char pattern[] = "/tmp/guard-secret-XXXXXX";
  if (mkdtemp(pattern) == nullptr) return -1;
  folder = pattern;
  return 0;
}

int remove_folder(void**) {
  return std::system(("rm -r " + folder).c_str());
}

// The word of a file with these bytes.
std::string file_with(const std::string& bytes, mode_t mode = 0600) {
  static int count = 0;
  const std::string path = folder + "/" + std::to_string(count++);
  std::ofstream(path, std::ios::binary) << bytes;
  assert_int_equal(chmod(path.c_str(), mode), 0);
  return "file:" + path;
}

void expect_secret(const std::string& word, std::string_view bytes) {
  const core::SecretWord parsed = core::parse_secret("password=", word);
  expect_text(parsed.secret.expose(), bytes);
}

void from_files(void**) {
  expect_secret(file_with("hunter2"), "hunter2");
  expect_secret(file_with("hunter2\n"), "hunter2");
  expect_secret(file_with("hunter2\r\n"), "hunter2");
  expect_secret(file_with("hunter2\n\n"), "hunter2\n");
  expect_secret(file_with(" hunter2 "), " hunter2 ");
  expect_secret(file_with(std::string("a\0b", 3)), std::string("a\0b", 3));
  expect_secret(file_with(std::string(4096, 'x')), std::string(4096, 'x'));
  expect_secret(file_with(std::string(4096, 'x') + "\r\n"), std::string(4096, 'x'));

  const std::string word = file_with("x");
  const core::SecretWord parsed = core::parse_secret("password=", word);
  assert_true(parsed.kind == core::SecretKind::file);
  expect_text(parsed.source, word.substr(5));
  assert_false(parsed.readable_by_all);
  for (mode_t mode : {0640, 0604, 0644}) {
    assert_true(core::parse_secret("password=", file_with("x", mode)).readable_by_all);
  }

  const std::string link = folder + "/link";
  assert_int_equal(symlink(word.c_str() + 5, link.c_str()), 0);
  expect_secret("file:" + link, "x");
}

void bad_files(void**) {
  const auto error = [](const std::string& word, const std::string& expected) {
    expect_error([&] { core::parse_secret("password=", word); }, expected);
  };
  const std::string empty = file_with("");
  error(empty, "secret file \"" + empty.substr(5) + "\" is empty");
  const std::string newline = file_with("\r\n");
  error(newline, "secret file \"" + newline.substr(5) + "\" is empty");
  for (std::size_t size : {4097, 4098, 4099, 5000, 100000}) {
    const std::string large = file_with(std::string(size, 'x'));
    error(large, "secret file \"" + large.substr(5) + "\" is longer than 4096 bytes");
  }
  error("file:" + folder, "secret file \"" + folder + "\" is not a regular file");
  const std::string fifo = folder + "/fifo";
  assert_int_equal(mkfifo(fifo.c_str(), 0600), 0);
  error("file:" + fifo, "secret file \"" + fifo + "\" is not a regular file");
  error("file:" + folder + "/none",
        "open() \"" + folder + "/none\" failed (2: No such file or directory)");
  // What is no path may be the secret itself.
  for (const std::string_view word : {"file:secret", "file:"}) {
    error(std::string(word), "secret file of \"password=\" must be an absolute path");
  }
}

void from_environment(void**) {
  setenv("GUARD_TEST_SECRET", "hunter2\n", 1);
  const core::SecretWord parsed = core::parse_secret("password=", "env:GUARD_TEST_SECRET");
  assert_true(parsed.kind == core::SecretKind::env);
  expect_text(parsed.source, "GUARD_TEST_SECRET");
  expect_text(parsed.secret.expose(), "hunter2\n");

  setenv("GUARD_TEST_SECRET", "", 1);
  expect_error([] { core::parse_secret("password=", "env:GUARD_TEST_SECRET"); },
               "environment variable \"GUARD_TEST_SECRET\" of \"password=\" is empty");
  setenv("GUARD_TEST_SECRET", std::string(4097, 'x').c_str(), 1);
  expect_error(
      [] { core::parse_secret("password=", "env:GUARD_TEST_SECRET"); },
      "environment variable \"GUARD_TEST_SECRET\" of \"password=\" is longer than 4096 bytes");
  unsetenv("GUARD_TEST_SECRET");
  expect_error([] { core::parse_secret("password=", "env:GUARD_TEST_SECRET"); },
               "environment variable \"GUARD_TEST_SECRET\" of \"password=\" is not set");
  expect_error([] { core::parse_secret("password=", "env:"); },
               "invalid environment variable name in \"password=\"");
  expect_error([] { core::parse_secret("password=", "env:A=B"); },
               "invalid environment variable name in \"password=\"");
}

void literals(void**) {
  const core::SecretWord parsed = core::parse_secret("password=", "hunter2");
  assert_true(parsed.kind == core::SecretKind::literal);
  assert_true(parsed.source.empty());
  expect_text(parsed.secret.expose(), "hunter2");
  expect_error([] { core::parse_secret("password=", ""); }, "the secret of \"password=\" is empty");
  // Not quoted.
  expect_error([] { core::parse_secret("password=", std::string(4097, 'x')); },
               "the secret of \"password=\" is longer than 4096 bytes");
}

void keeps(void**) {
  static_assert(!std::is_copy_constructible_v<core::Secret>);
  core::Secret secret("hunter2");
  assert_true(secret.equals("hunter2"));
  assert_false(secret.equals("hunter3"));
  assert_false(secret.equals("hunter"));
  assert_false(secret.equals("hunter22"));
  assert_false(secret.equals(""));
  core::Secret moved(std::move(secret));
  assert_true(secret.empty());  // NOLINT(bugprone-use-after-move): that is the question
  assert_true(moved.equals("hunter2"));
  moved = core::Secret("other");
  assert_true(moved.equals("other"));
  assert_true(core::Secret().equals(""));
}

// The memory is looked at after it was given back, through an allocator that only marks it free.
alignas(64) char arena[256];
bool use_arena = false;

void wipes(void**) {
  use_arena = true;
  {
    const core::Secret secret("correct horse battery staple");
    assert_ptr_equal(secret.expose().data(), arena);
    assert_memory_equal(arena, "correct horse battery staple", 28);
  }
  use_arena = false;
  for (char c : arena) assert_int_equal(c, 0);
}

void derives(void**) {
  // RFC 4231, test case 2: HMAC-SHA-256("Jefe", "what do ya want for nothing?")
  const core::SipKey key =
      core::derive_sip_key(core::Secret("Jefe"), "what do ya want for nothing?");
  const core::SipKey expected = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7};
  assert_true(key == expected);
  assert_false(core::derive_sip_key(core::Secret("Jefe"), "rate") ==
               core::derive_sip_key(core::Secret("Jefe"), "events"));
  assert_false(core::random_sip_key() == core::random_sip_key());
}

}  // namespace

void* operator new[](std::size_t size) {
  if (use_arena && size <= sizeof arena) return arena;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete[](void* memory) noexcept {
  if (memory != arena) std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
  operator delete[](memory);
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(from_files), cmocka_unit_test(bad_files), cmocka_unit_test(from_environment),
      cmocka_unit_test(literals),   cmocka_unit_test(keeps),     cmocka_unit_test(wipes),
      cmocka_unit_test(derives),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
