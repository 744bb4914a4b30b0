// Names that PHP, Rack, qs for Node, and ASP.NET take for others.
#include "json/lookalike.h"

#include "unit.h"

namespace json = guard::json;
using guard::unit::expect_text;
using namespace std::string_view_literals;

namespace {

struct Pair {
  std::string_view name;
  std::string_view documented;
};

bool in_a_set(const Pair& pair) {
  json::Lookalikes names;
  names.add("another");
  names.add(pair.documented);
  names.add("x[y][z]");
  return names.has(pair.name);
}

void what_is_read_as_another(void**) {
  constexpr Pair kAlike[] = {
      {"limit", "limit"},
      {"Limit", "limit"},
      {" limit", "limit"},
      {"limit\0x"sv, "limit"},
      {"limit[]", "limit"},
      {"limit[$ne]", "limit"},
      {"limit[", "limit"},
      {"limit", "limit[]"},
      {"limit[a]", "limit[]"},
      {"user.id", "user_id"},
      {"user id", "user_id"},
      // PHP: a bracket that is not closed is a "_", and so is what is one behind it.
      {"user[id", "user_id"},
      {"user[id.x", "user_id_x"},

      {"limit[", "limit_"},
      // Spring: a value for a field that is missing.
      {"!limit", "limit"},
      {"!part[a]", "part[a]"},
      // ASP.NET: brackets are dots.
      {"address[city]", "Address.City"},
      {"Address[City][]", "Address.City"},
      {"a[b][c]", "a.b.c"},
      {"a.b[c]", "a.b.c"},
      {"a[0][c]", "a[0].c"},
      // Rack, and qs the first of them: brackets around a name.
      {"[limit]", "limit"},
      {"[limit", "limit"},
      {"limit]", "limit"},
      {"]limit", "limit"},
      {"[[limit]]", "limit"},
      {"[]limit", "limit"},
      {"[limit][a]", "limit"},
      // A member, and what is in it.
      {"part[a]", "part[a]"},
      {"part[a][]", "part[a]"},
      {"[part][a]", "part[a]"},
      {"Part[A][b]", "part[a]"},
      {"part]a", "part[a]"},
  };
  std::string missed;
  for (const Pair& pair : kAlike) {
    if (json::may_be_read_as(pair.name, pair.documented) && in_a_set(pair)) continue;
    missed.append(pair.name).append(" as ").append(pair.documented).append("\n");
  }
  expect_text(missed, "");
}

void what_is_not(void**) {
  constexpr Pair kOthers[] = {
      {"limits", "limit"},    {"limi", "limit"},       {"", "limit"},
      {"[]", "limit"},        {"a[limit]", "limit"},   {"user[id]", "user_id"},
      {"userid", "user_id"},  {"limit-x", "limit"},    {"part", "part[a]"},
      {"part[b]", "part[a]"}, {"part[ab]", "part[a]"}, {"\0limit"sv, "limit"},
      {"user_id", "user-id"}, {"limit!", "limit"},     {"!", "limit"},
      {"a[b]", "a.bc"},       {"a[b]x", "a.b"},        {"b[a]", "a.b"},
  };
  std::string taken;
  for (const Pair& pair : kOthers) {
    if (!json::may_be_read_as(pair.name, pair.documented) && !in_a_set(pair)) continue;
    taken.append(pair.name).append(" as ").append(pair.documented).append("\n");
  }
  expect_text(taken, "");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_read_as_another),
      cmocka_unit_test(what_is_not),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
