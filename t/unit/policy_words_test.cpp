#include "core/policy_words.h"

#include "unit.h"

using guard::core::as_variable;
using guard::core::forgotten_variable;
using guard::core::variable_hint;
using guard::unit::expect_text;

namespace {

void hints(void**) {
  expect_text(as_variable("email"), "$email");
  expect_text(as_variable("{e_Mail1}"), "$e_Mail1");
  for (const char* none : {"", "{}", "e-mail", "{email", "email}", "{", "a b"}) {
    expect_text(as_variable(none), "");
    expect_text(variable_hint("key", none), "");
  }
  expect_text(variable_hint("key", "{email}"), ", did you mean \"key=$email\"?");
}

std::string_view forgotten(std::string_view text) {
  return forgotten_variable(
      text, [](std::string_view name) { return name == "email" || name == "tenant"; });
}

void forgotten_dollars(void**) {
  expect_text(forgotten("email"), "email");
  expect_text(forgotten("email$host"), "email");
  expect_text(forgotten("$host-email"), "email");
  expect_text(forgotten("${host}email"), "email");
  expect_text(forgotten("{email}$host"), "email");
  expect_text(forgotten("$email/tenant"), "tenant");
  for (const char* none : {"", "$email", "${email}", "email:$email", "Email:$email",
                           "$email$tenant", "emails$host", "$host.e.mail", "$hostemail"}) {
    expect_text(forgotten(none), "");
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(hints), cmocka_unit_test(forgotten_dollars)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
