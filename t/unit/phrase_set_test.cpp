// Phrases, against a search that tries each of them everywhere.
#include "inspect/phrase_set.h"

#include <time.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "unit.h"

namespace guard::inspect {
namespace {

using unit::expect_text;

std::string_view find_plainly(const std::vector<std::string>& phrases, std::string_view text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    for (std::size_t begin = 0; begin < end; ++begin) {
      const std::string_view here = text.substr(begin, end - begin);
      const bool is_one = std::any_of(phrases.begin(), phrases.end(), [&](const std::string& one) {
        return core::equal_without_case(one, here);
      });
      if (is_one) return here;
    }
  }
  return {};
}

void finds_what_ends_first(void** /*state*/) {
  const PhraseSet set({"she", "he", "hers", "", "His", "he"});
  assert_int_equal(set.phrases().size(), 4);
  expect_text(set.find("ushers"), "she");
  expect_text(set.find("THIS"), "HIS");
  expect_text(set.find("hi s h"), "");
  expect_text(set.find(""), "");
  expect_text(PhraseSet({}).find("she"), "");
  expect_text(PhraseSet({"\xc3\xa9"}).find("caf\xc3\xa9"), "\xc3\xa9");
}

void finds_as_a_plain_search(void** /*state*/) {
  std::mt19937 random(8);
  const auto word = [&](std::size_t most) {
    std::string text(random() % most, ' ');
    for (char& c : text) c = "abAB\xff"[random() % 5];
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> phrases(1 + random() % 8);
    for (std::string& phrase : phrases) phrase = word(7) + 'a';
    const std::string text = word(20);
    const PhraseSet set(phrases);
    const std::string_view found = set.find(text);
    const std::string_view wanted = find_plainly(phrases, text);
    assert_int_equal(found.size(), wanted.size());
    if (!found.empty()) assert_ptr_equal(found.data(), wanted.data());
  }
}

double seconds_for(const PhraseSet& set, std::string_view text) {
  timespec begin{};
  timespec end{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  assert_true(set.find(text).empty());
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  return static_cast<double>(end.tv_sec - begin.tv_sec) +
         static_cast<double>(end.tv_nsec - begin.tv_nsec) / 1e9;
}

// What all phrases begin with costs no more than what few begin with.
void takes_no_longer_for_many(void** /*state*/) {
  std::vector<std::string> phrases;
  for (int i = 0; i < 2000; ++i) phrases.push_back("etc/" + std::to_string(i));
  const PhraseSet many(phrases);
  const PhraseSet one({"etc/1"});
  for (const std::string_view piece : {"eeee", "etc/", "etet"}) {
    std::string text;
    while (text.size() < 1U << 20) text += piece;
    assert_true(seconds_for(many, text) < 20 * seconds_for(one, text) + 0.01);
  }
}

}  // namespace
}  // namespace guard::inspect

int main() {
  using namespace guard::inspect;
  const CMUnitTest tests[] = {cmocka_unit_test(finds_what_ends_first),
                              cmocka_unit_test(finds_as_a_plain_search),
                              cmocka_unit_test(takes_no_longer_for_many)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
