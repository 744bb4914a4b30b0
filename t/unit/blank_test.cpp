// blank(): zeros in its place, and no memory taken for them.

#include "core/blank.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "unit.h"

using guard::core::blank;

namespace {

constexpr std::size_t kPages = 8;
constexpr std::byte kMark{0x5a};

std::size_t page() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class Mapping {
 public:
  explicit Mapping(int kind) {
    void* at =
        ::mmap(nullptr, kPages * page(), PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    bytes_ = {static_cast<std::byte*>(at), kPages * page()};
    std::fill(bytes_.begin(), bytes_.end(), kMark);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { ::munmap(bytes_.data(), bytes_.size()); }

  std::span<std::byte> bytes() const { return bytes_; }

  std::size_t taken() const {
    std::vector<unsigned char> pages(kPages);
    assert_int_equal(::mincore(bytes_.data(), bytes_.size(), pages.data()), 0);
    return std::size_t(std::count_if(pages.begin(), pages.end(), [](auto p) { return p & 1; }));
  }

 private:
  std::span<std::byte> bytes_;
};

bool all(std::span<const std::byte> bytes, std::byte value) {
  return std::all_of(bytes.begin(), bytes.end(), [=](std::byte b) { return b == value; });
}

void check_part(std::span<std::byte> bytes, std::size_t from, std::size_t count) {
  std::fill(bytes.begin(), bytes.end(), kMark);
  blank(bytes.subspan(from, count));
  assert_true(all(bytes.first(from), kMark));
  assert_true(all(bytes.subspan(from, count), std::byte{0}));
  assert_true(all(bytes.subspan(from + count), kMark));
}

void check_parts(std::span<std::byte> bytes) {
  const std::size_t p = page();
  for (std::size_t from : {std::size_t{0}, std::size_t{1}, p - 1, p, p + 17}) {
    for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{64}, p - 1, p, p + 1,
                              2 * p - 1, 3 * p, 4 * p + 33}) {
      check_part(bytes, from, count);
    }
  }
}

void test_shared(void**) {
  check_parts(Mapping(MAP_SHARED).bytes());
}

void test_private(void**) {
  check_parts(Mapping(MAP_PRIVATE).bytes());
}

void test_memory_is_handed_back(void**) {
  Mapping mapping(MAP_SHARED);
  assert_int_equal(mapping.taken(), kPages);
  blank(mapping.bytes().subspan(page() / 2, 4 * page()));
  assert_int_equal(mapping.taken(), kPages - 3);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_private),
      cmocka_unit_test(test_memory_is_handed_back),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
