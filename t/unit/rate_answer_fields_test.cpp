// Which RateLimit fields an answer has.
#include "rate/answer_fields.h"

#include "metered.h"

using namespace guard::rate;
using guard::unit::expect_text;
using guard::unit::Memory;
using guard::unit::Metered;
using guard::unit::Questions;

namespace {

std::string told(const Ledger& ledger, bool refused, FieldStyle style, std::size_t pieces) {
  Memory memory;
  memory.left = pieces;
  Fields fields;
  std::string text;
  for (const Field& field : tell(ledger, refused, style, memory.space(), fields)) {
    text += std::string(field.name) + ": " + std::string(field.value) + "\n";
  }
  return text;
}

std::string told(const Ledger& ledger, bool refused = false, FieldStyle style = FieldStyle::draft) {
  return told(ledger, refused, style, SIZE_MAX);
}

void styles(void**) {
  Metered a("a", "5/minute"), b("b", "3/hour");
  Questions first(a), second(b);
  Ledger ledger;
  expect_text(told(ledger), "");
  ledger.begin(false);
  ledger.ask(first.asked, false);
  expect_text(told(ledger), "RateLimit-Policy: \"a\";q=5;w=60\nRateLimit: \"a\";r=4;t=12\n");
  ledger.ask(second.asked, false);
  const std::string draft =
      "RateLimit-Policy: \"a\";q=5;w=60, \"b\";q=3;w=3600\nRateLimit: \"b\";r=2;t=1200\n";
  const std::string legacy =
      "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: 2\nX-RateLimit-Reset: 1200\n";
  expect_text(told(ledger), draft);
  expect_text(told(ledger, false, FieldStyle::legacy), legacy);
  expect_text(told(ledger, false, FieldStyle::both), draft + legacy);
}

void observed_are_told_nothing(void**) {
  Metered a("a", "1/minute");
  a.drain(1);
  Questions asked(a), tried(a, true);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(asked.asked, false);
  expect_text(told(ledger), "");
  expect_text(told(ledger, true), "RateLimit-Policy: \"a\";q=1;w=60\nRateLimit: \"a\";r=0;t=60\n");
  Ledger dry;
  dry.begin(false);
  dry.ask(tried.asked, false);
  expect_text(told(dry, true), "");
}

void without_memory(void**) {
  Metered a("a", "5/minute"), b("b", "3/hour");
  Questions first(a), second(b);
  Ledger ledger;
  ledger.begin(false);
  ledger.ask(first.asked, false);
  ledger.ask(second.asked, false);
  expect_text(told(ledger, false, FieldStyle::both, 0), "RateLimit-Policy: \"b\";q=3;w=3600\n");
  expect_text(told(ledger, false, FieldStyle::legacy, 1),
              "X-RateLimit-Limit: 3\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 0\n");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(styles),
      cmocka_unit_test(observed_are_told_nothing),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
