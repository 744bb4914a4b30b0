#include "core/plain_text.h"

#include "unit.h"

using guard::core::PlainText;
using guard::unit::expect_text;

namespace {

void what_may_stand_in_a_log(void**) {
  PlainText<16> text;
  text.set("ERR \x1b[2J\n\xc3\xa9\x7f~");
  expect_text(text.view(), "ERR ?[2J????~");
  text.set("was refused: ", "NOPERM");
  expect_text(text.view(), "was refused: NOP");
  text.append("!");
  expect_text(text.view(), "was refused: NOP");
  text.set(text.view());
  expect_text(text.view(), "was refused: NOP");
  text.set({});
  expect_text(text.view(), "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(what_may_stand_in_a_log)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
