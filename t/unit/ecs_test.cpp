// The lines hold what the Elastic Common Schema has, of the types that it has, and kinds, outcomes,
// categories and types that it allows: by t/data/ecs.tsv. Runs in the root of the tree.

#include <arpa/inet.h>
#include <simdjson.h>

#include <fstream>
#include <map>
#include <set>
#include <vector>

#include "core/words.h"
#include "events/ecs_encoder.h"
#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
namespace dom = simdjson::dom;

namespace {

struct Schema {
  std::map<std::string, std::string> fields;                // name to type
  std::map<std::string, std::set<std::string>> categories;  // name to expected types
  std::set<std::string> kinds;
  std::set<std::string> outcomes;
};

std::set<std::string> words_of(std::string_view list) {
  std::set<std::string> words;
  for (std::string_view word : core::split(list, ',')) words.emplace(word);
  return words;
}

const Schema& schema() {
  static const Schema read = [] {
    Schema made;
    std::ifstream file("t/data/ecs.tsv");
    assert_true(file.good());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with('#')) continue;
      const std::vector<std::string_view> cells = core::split(line, '\t');
      if (cells[0] == "field") made.fields.emplace(cells[1], cells[2]);
      if (cells[0] == "category") made.categories.emplace(cells[1], words_of(cells[2]));
      if (cells[0] == "kind") made.kinds = words_of(cells[1]);
      if (cells[0] == "outcome") made.outcomes = words_of(cells[1]);
    }
    return made;
  }();
  return read;
}

bool is_ip(const std::string& text) {
  std::array<unsigned char, 16> bytes;
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool has_type(const dom::element& value, std::string_view type) {
  if (type == "long") return value.is<std::uint64_t>();
  if (type == "float") return value.is_number();
  if (type == "ip") return value.is_string() && is_ip(std::string(std::string_view(value)));
  if (type == "date") {
    return value.is_string() && std::string_view(value).size() == 24 &&
           std::string_view(value).ends_with('Z');
  }
  return (type == "keyword" || type == "wildcard" || type == "match_only_text") &&
         value.is_string();
}

void expect(bool holds, const std::string& what) {
  if (!holds) print_error("%s\n", what.c_str());
  assert_true(holds);
}

void check_leaf(const std::string& name, const dom::element& value) {
  const auto field = schema().fields.find(name);
  expect(field != schema().fields.end(), name + " is no field");
  expect(has_type(value, field->second), name + " is no " + field->second);
}

std::size_t walk(const std::string& path, const dom::element& value) {
  std::size_t leaves = 0;
  if (path == "labels") {
    // Of type object: whatever name, but no object in it, and keywords only.
    for (auto [key, label] : dom::object(value)) {
      expect(label.is_string() && key.find('.') == std::string_view::npos, "labels");
    }
    return 1;
  }
  if (value.is_object()) {
    for (auto [key, member] : dom::object(value)) {
      leaves += walk(path.empty() ? std::string(key) : path + "." + std::string(key), member);
    }
    return leaves;
  }
  if (value.is_array()) {
    for (const dom::element& one : dom::array(value)) check_leaf(path, one);
    return 1;
  }
  check_leaf(path, value);
  return 1;
}

void check_categories(const dom::element& event) {
  std::set<std::string> expected;
  for (std::string_view category : event["category"]) {
    const auto known = schema().categories.find(std::string(category));
    expect(known != schema().categories.end(), std::string(category) + " is no category");
    expected.insert(known->second.begin(), known->second.end());
  }
  for (std::string_view type : event["type"]) {
    expect(expected.contains(std::string(type)),
           std::string(type) + " is expected with none of the categories");
  }
  assert_true(schema().kinds.contains(std::string(std::string_view(event["kind"]))));
  assert_true(schema().outcomes.contains(std::string(std::string_view(event["outcome"]))));
}

constexpr core::EventFile kFile = {"a.png", "image/png", "image/png", "00aa",
                                   12,      "infected",  "Eicar"};

core::Event full_event(core::EventKind kind, core::Action action) {
  core::Event event;
  event.kind = kind;
  event.custom_kind = "x_own";
  event.action = action;
  event.code = "json.syntax";
  event.policy = "strict";
  event.detail = "A comma is missing";
  event.pointer = "/a";
  event.key_hash = "00";
  event.user = "ada";
  event.status = 400;
  event.count = 3;
  event.score = 7;
  event.end_ms = 1795491375999;
  event.file = &kFile;
  return event;
}

events::RequestFacts full_request() {
  events::RequestFacts request;
  request.request_id = "0123456789abcdef0123456789abcdef";
  request.method = "POST";
  request.target = "/login?token=secret";
  request.host = "app.example";
  request.scheme = "https";
  request.http_version = "2";
  request.tls_version = "TLSv1.3";
  request.user_agent = "curl/7.88.1";
  request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  request.route = "login";
  request.client_address = "2001:db8::1";
  request.address_hash = "aa";
  request.user_hash = "bb";
  request.client_port = 50000;
  request.body_bytes = 12;
  return request;
}

void every_kind(void**) {
  assert_true(schema().fields.size() > 100 && schema().categories.size() == 20);
  events::EcsEncoder encoder({"web1", "1.2.3", 4711, 1795491000000});
  dom::parser parser;
  std::string out(events::kLineMax, '\0');
  const events::RequestFacts request = full_request();
  for (std::size_t kind = 0; kind < core::kEventKindCount; ++kind) {
    for (int action = 0; action < 4; ++action) {
      const core::Event event =
          full_event(static_cast<core::EventKind>(kind), static_cast<core::Action>(action));
      for (auto user : {events::UserPrivacy::clear, events::UserPrivacy::hash}) {
        for (auto address : {events::AddressPrivacy::clear, events::AddressPrivacy::network,
                             events::AddressPrivacy::hash}) {
          const std::size_t size =
              encoder.encode(event, &request, {user, address, true}, 1, 1795491375123, out);
          const dom::element line = parser.parse(out.data(), size);
          assert_true(walk("", line) > 36);
          check_categories(line["event"]);
        }
      }
      const std::size_t size = encoder.encode(event, nullptr, {}, 1, 1795491375123, out);
      assert_true(walk("", parser.parse(out.data(), size)) > 21);
    }
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(every_kind)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
