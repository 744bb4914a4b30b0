// The pages that repeat a table of the code: the vocabulary of events in docs/events.md, and the
// fields that guard_hide_headers removes in docs/directives.md. Runs in the root of the tree.

#include <fstream>
#include <sstream>

#include "core/event.h"
#include "events/policy.h"
#include "headers/profiles.h"
#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
namespace headers = guard::headers;
using guard::unit::expect_text;

namespace {

std::string page(const char* path) {
  std::ifstream file(path);
  assert_true(file.good());
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string_view name_of(core::Outcome outcome) {
  switch (outcome) {
    case core::Outcome::success:
      return "success";
    case core::Outcome::failure:
      return "failure";
    case core::Outcome::unknown:
      break;
  }
  return "unknown";
}

std::string row_of(const core::EventKindInfo& info) {
  std::string row = "| `";
  row.append(info.name).append("` | ").append(info.meaning);
  row.append(" | ").append(info.action).append(" | ").append(info.category);
  row.append(" | ").append(info.type).append(" | ").append(name_of(info.outcome));
  return row.append(" | ").append(events::name_of(info.severity)).append(" |");
}

// The rows between the table's head and the empty line behind it.
void vocabulary(void**) {
  std::istringstream text(page("docs/events.md"));
  std::string line;
  while (std::getline(text, line) && !line.starts_with("| Kind |")) {
  }
  std::getline(text, line);
  for (std::size_t kind = 0; kind < core::kEventKindCount; ++kind) {
    std::getline(text, line);
    expect_text(line, row_of(core::info_of(static_cast<core::EventKind>(kind))));
  }
  std::getline(text, line);
  expect_text(line, "");
}

void telling_fields(void**) {
  std::string list;
  for (std::string_view name : headers::telling_fields()) {
    list.append(list.empty() ? "`" : ", `").append(name).append("`");
  }
  // The page may break the list at any space.
  std::string text = page("docs/directives.md");
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  assert_true(text.find(list) != std::string::npos);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(vocabulary), cmocka_unit_test(telling_fields)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
