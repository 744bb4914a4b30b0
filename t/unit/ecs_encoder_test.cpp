#include "events/ecs_encoder.h"

#include <simdjson.h>

#include <set>
#include <vector>

#include "events/chain.h"
#include "unit.h"

namespace core = guard::core;
namespace events = guard::events;
using guard::unit::expect_text;
using namespace std::string_literals;

namespace {

constexpr std::uint64_t kNow = 1795491375123;  // 2026-11-24T03:36:15.123Z

events::Writer writer() {
  return {"web1", "1.2.3", 4711, 1795491000000};
}

std::string line_of(const core::Event& event, const events::RequestFacts* request,
                    const events::PrivacyPolicy& privacy = {}, std::size_t room = events::kLineMax,
                    std::uint64_t now = kNow) {
  events::EcsEncoder encoder(writer());
  std::string out(room, '?');
  out.resize(encoder.encode(event, request, privacy, 17, now, out));
  return out;
}

core::Event refusal() {
  core::Event event;
  event.kind = core::EventKind::json_refused;
  event.action = core::Action::denied;
  event.code = "json.syntax";
  event.policy = "strict";
  event.detail = "A comma is missing";
  event.pointer = "/a";
  event.user = "ada";
  event.status = 400;
  return event;
}

events::RequestFacts facts() {
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
  request.client_address = "192.0.2.77";
  request.address_hash = "00000000000000aa";
  request.user_hash = "00000000000000bb";
  request.client_port = 50000;
  request.status = 502;
  request.body_bytes = 12;
  return request;
}

void whole_line(void**) {
  const events::RequestFacts request = facts();
  expect_text(line_of(refusal(), &request),
              R"({"@timestamp":"2026-11-24T03:36:15.123Z","log":{"level":"warning"},)"
              R"("event":{"kind":"event","module":"guard","dataset":"guard.events",)"
              R"("action":"json-refused","category":["api","web"],"type":["denied"],)"
              R"("outcome":"success","severity":4,"sequence":17,"code":"json.syntax",)"
              R"("reason":"A comma is missing"},"rule":{"name":"strict"},)"
              R"("user":{"hash":"00000000000000bb"},"source":{"ip":"192.0.2.77","port":50000},)"
              R"("url":{"path":"/login","domain":"app.example","scheme":"https"},)"
              R"("http":{"version":"2","request":{"id":"0123456789abcdef0123456789abcdef",)"
              R"("method":"POST","body":{"bytes":12}},"response":{"status_code":400}},)"
              R"("user_agent":{"original":"curl/7.88.1"},)"
              R"("tls":{"version":"1.3","version_protocol":"tls"},)"
              R"("trace":{"id":"0af7651916cd43dd8448eb211c80319c"},)"
              R"("labels":{"kind":"json_refused","decision":"denied","json_pointer":"/a",)"
              R"("route":"login"},"observer":{"vendor":"Guard","product":"Guard","type":"waf",)"
              R"("version":"1.2.3","hostname":"web1"},"process":{"pid":4711,)"
              R"("entity_id":"1795491000000-4711"},"ecs":{"version":"9.4.0"}})"
              "\n");
}

void worker_line(void**) {
  core::Event event;
  event.kind = core::EventKind::events_lost;
  event.count = 3;
  event.severity = core::Severity::critical;
  expect_text(line_of(event, nullptr),
              R"({"@timestamp":"2026-11-24T03:36:15.123Z","log":{"level":"critical"},)"
              R"("event":{"kind":"event","module":"guard","dataset":"guard.events",)"
              R"("action":"events-lost","category":["host"],"type":["info"],)"
              R"("outcome":"failure","severity":2,"sequence":17},)"
              R"("labels":{"kind":"events_lost","count":"3"},)"
              R"("observer":{"vendor":"Guard","product":"Guard","type":"waf",)"
              R"("version":"1.2.3","hostname":"web1"},"process":{"pid":4711,)"
              R"("entity_id":"1795491000000-4711"},"ecs":{"version":"9.4.0"}})"
              "\n");
}

// What was only observed was let through, and the line says so.
void observed(void**) {
  core::Event event = refusal();
  event.action = core::Action::observed;
  event.kind = core::EventKind::injection_detected;
  const std::string line = line_of(event, nullptr);
  assert_non_null(strstr(line.c_str(), R"("kind":"alert")"));
  assert_non_null(strstr(line.c_str(), R"("type":["allowed"])"));
  assert_non_null(strstr(line.c_str(), R"("decision":"observed")"));
}

void privacy_choices(void**) {
  const events::RequestFacts request = facts();
  using events::AddressPrivacy;
  using events::UserPrivacy;
  const auto with = [&](UserPrivacy user, AddressPrivacy address, bool query) {
    return line_of(refusal(), &request, {user, address, query});
  };
  std::string line = with(UserPrivacy::hash, AddressPrivacy::clear, false);
  assert_null(strstr(line.c_str(), "secret"));
  assert_null(strstr(line.c_str(), "ada"));

  line = with(UserPrivacy::clear, AddressPrivacy::network, true);
  assert_non_null(strstr(line.c_str(), R"("user":{"name":"ada"})"));
  assert_non_null(strstr(line.c_str(), R"("query":"token=secret")"));
  assert_non_null(strstr(line.c_str(), R"("source":{"ip":"192.0.2.0"})"));

  line = with(UserPrivacy::off, AddressPrivacy::hash, false);
  assert_null(strstr(line.c_str(), "\"user\":"));
  assert_null(strstr(line.c_str(), "192.0.2"));
  assert_non_null(strstr(line.c_str(), R"("address_hash":"00000000000000aa")"));
}

void no_address(void**) {
  events::RequestFacts request = facts();
  request.client_address = "unix:";
  assert_null(strstr(line_of(refusal(), &request).c_str(), "source"));
}

void hostile_bytes(void**) {
  events::RequestFacts request = facts();
  request.target = "/\r\n{\"forged\":1}\x1b[31m";
  const std::string agent = "a\"},\"event\":{\"x\":\"\\\xff\x00\xe2\x80\xa8"s;
  request.user_agent = agent;
  request.method = "G\nT";
  const std::string line = line_of(refusal(), &request);
  assert_int_equal(line.find('\n'), line.size() - 1);
  for (char c : line.substr(0, line.size() - 1)) {
    assert_true(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root = parser.parse(line);
  expect_text(std::string_view(root["url"]["path"]), "/\r\n{\"forged\":1}\x1b[31m");
  expect_text(std::string_view(root["user_agent"]["original"]),
              "a\"},\"event\":{\"x\":\"\\\xef\xbf\xbd\0\xe2\x80\xa8"s);
  expect_text(std::string_view(root["event"]["action"]), "json-refused");
}

// All that a client can make long, and every byte of it six bytes of JSON.
void bounded(void**) {
  const std::string bomb(64 * 1024, '\x01');
  events::RequestFacts request;
  request.request_id = request.method = request.host = request.scheme = request.http_version = bomb;
  request.user_agent = request.route = request.client_address = bomb;
  request.address_hash = request.user_hash = bomb;
  const std::string target = "/" + bomb + "?" + bomb;
  request.target = target;
  const std::string tls = "v" + bomb;
  request.tls_version = tls;
  request.body_bytes = UINT64_MAX;
  request.client_port = 65535;
  const std::string address = "." + bomb;
  request.client_address = address;
  request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  core::Event event = refusal();
  event.code = event.policy = event.detail = event.pointer = event.key_hash = event.user = bomb;
  event.rule = event.message = event.page = bomb;
  event.count = UINT64_MAX;
  event.status = 65535;
  simdjson::dom::parser parser;
  for (std::size_t kind = 0; kind < core::kEventKindCount; ++kind) {
    event.kind = static_cast<core::EventKind>(kind);
    event.custom_kind = "x_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (std::size_t room : {events::kLineMax, events::kLineMax - events::kSealSize,
                             events::kPipeLineMax, events::kPipeLineMax - events::kSealSize}) {
      for (auto privacy : {events::AddressPrivacy::clear, events::AddressPrivacy::hash}) {
        const std::string line =
            line_of(event, &request, {events::UserPrivacy::clear, privacy, true}, room);
        assert_true(!line.empty() && line.size() <= room);
        simdjson::dom::element root = parser.parse(line);
        expect_text(std::string_view(root["labels"]["truncated"]).substr(0, 22),
                    "event.code,event.reaso");
        assert_true(std::string_view(root["url"]["path"]).ends_with("\xe2\x80\xa6"));
      }
    }
  }
  assert_int_equal(
      line_of(event, &request, {}, events::kPipeLineMax - events::kSealSize - 1).size(), 0);
}

void long_host_of_the_machine(void**) {
  events::EcsEncoder encoder(
      {std::string(300, '\x02'), std::string(300, 'v'), UINT64_MAX, UINT64_MAX});
  std::string out(events::kPipeLineMax, '?');
  out.resize(encoder.encode(refusal(), nullptr, {}, UINT64_MAX, kNow, out));
  assert_true(!out.empty());
  simdjson::dom::parser parser;
  assert_true(parser.parse(out).error() == simdjson::SUCCESS);
}

void every_kind(void**) {
  simdjson::dom::parser parser;
  for (std::size_t kind = 0; kind < core::kEventKindCount; ++kind) {
    core::Event event;
    event.kind = static_cast<core::EventKind>(kind);
    event.custom_kind = "x_*";
    simdjson::dom::element root = parser.parse(line_of(event, nullptr));
    expect_text(std::string_view(root["labels"]["kind"]), core::info_of(event.kind).name);
    expect_text(std::string_view(root["event"]["action"]), core::info_of(event.kind).action);
  }
}

void labels(void**) {
  const core::EventLabel labels[] = {
      {"blocked_uri", "https://b.example/x?secret", true},
      {"source_url", "", true},
      {"source_line", "7"},
  };
  core::Event event;
  event.kind = core::EventKind::csp_violated;
  event.labels = labels;
  std::string line = line_of(event, nullptr);
  assert_non_null(strstr(line.c_str(), R"("labels":{"kind":"csp_violated",)"
                                       R"("blocked_uri":"https://b.example/x",)"
                                       R"("source_line":"7"})"));
  events::PrivacyPolicy open;
  open.query = true;
  line = line_of(event, nullptr, open);
  assert_non_null(strstr(line.c_str(), R"("blocked_uri":"https://b.example/x?secret")"));
}

// What was violated or has matched, by its own members of ECS.
void rules(void**) {
  core::Event event;
  event.kind = core::EventKind::injection_detected;
  event.rules = "942100,949110";
  event.score = 15;
  std::string line = line_of(event, nullptr);
  assert_non_null(strstr(line.c_str(), R"("rule":{"id":["942100","949110"]})"));
  assert_non_null(strstr(line.c_str(), R"("risk_score":15)"));
  assert_non_null(strstr(line.c_str(), R"("technique":{"id":["T1190"]})"));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "1,";
  event.rules = many;
  for (std::size_t room : {events::kLineMax, events::kPipeLineMax}) {
    line = line_of(event, nullptr, {}, room);
    simdjson::dom::parser parser;
    simdjson::dom::array ids = parser.parse(line)["rule"]["id"];
    assert_in_range(ids.size(), 10, 40);
  }

  event = {};
  event.kind = core::EventKind::schema_violated;
  event.rule = "login.json";
  event.detail = "The body is not as the schema wants it";
  event.message = "must be a string";
  line = line_of(event, nullptr);
  assert_non_null(strstr(line.c_str(), R"("rule":{"id":"login.json"})"));
  assert_non_null(strstr(line.c_str(), R"("error":{"message":"must be a string"})"));
  assert_null(strstr(line.c_str(), "threat"));
}

void page(void**) {
  core::Event event;
  event.kind = core::EventKind::csp_violated;
  event.page = "https://a.example/p?secret";
  const core::EventLabel label[] = {{"blocked_uri", "inline", true}};
  event.labels = label;
  const events::RequestFacts request = facts();
  std::string line = line_of(event, &request);
  assert_non_null(strstr(line.c_str(), R"("url":{"original":"https://a.example/p",)"));
  events::PrivacyPolicy open;
  open.query = true;
  line = line_of(event, &request, open);
  assert_non_null(strstr(line.c_str(), R"("original":"https://a.example/p?secret")"));
}

// More labels than there may be, each longer than it may be, of a request that is as long.
void bounded_labels(void**) {
  const std::string bomb(64 * 1024, '\x01');
  const std::string name(core::kEventLabelNameMax, 'n');
  std::vector<core::EventLabel> labels;
  for (int i = 0; i < 20; ++i) labels.push_back({name, bomb, i % 2 == 0});
  events::RequestFacts request = facts();
  request.user_agent = request.host = request.method = request.request_id = bomb;
  request.target = request.route = request.http_version = request.scheme = bomb;
  core::Event event = refusal();
  event.kind = core::EventKind::csp_violated;
  event.code = event.policy = event.detail = event.pointer = event.key_hash = event.user = bomb;
  event.rule = event.message = event.page = bomb;
  event.count = UINT64_MAX;
  event.labels = labels;
  simdjson::dom::parser parser;
  for (std::size_t room :
       {events::kLineMax - events::kSealSize, events::kPipeLineMax - events::kSealSize}) {
    const std::string line = line_of(
        event, &request, {events::UserPrivacy::clear, events::AddressPrivacy::hash, true}, room);
    assert_true(!line.empty() && line.size() <= room);
    assert_true(parser.parse(line).error() == simdjson::SUCCESS);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = line.find("\"" + name + "\":", at)) != std::string::npos; ++at) {
      ++count;
    }
    assert_int_equal(count, core::kEventUrlsMax + core::kEventWordsMax);
  }
}

void file(void**) {
  core::EventFile file;
  file.name = "caf\xc3\xa9\"\n.png";
  file.declared_type = "image/png";
  file.detected_type = "image/jpeg";
  file.size = 0;
  file.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  file.scan = "infected";
  file.signature = "Eicar-Test-Signature";
  core::Event event;
  event.kind = core::EventKind::file_refused;
  event.file = &file;
  std::string line = line_of(event, nullptr);
  const std::string said =
      R"("file":{"name":"caf)"
      "\xc3\xa9"
      R"(\"\n.png","extension":"png","size":0,"mime_type":"image/jpeg",)"
      R"("hash":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}},)"
      R"("labels":{"kind":"file_refused","declared_type":"image/png","scan":"infected",)"
      R"("signature":"Eicar-Test-Signature"})";
  assert_non_null(strstr(line.c_str(), said.c_str()));
  file = {};
  line = line_of(event, nullptr);
  assert_null(strstr(line.c_str(), "\"file\":"));
}

// A file whose every text is longer than it may be, of a request that is as long.
void bounded_file(void**) {
  const std::string bomb(64 * 1024, '\x01');
  const std::string hash(64, 'f');
  core::EventFile file;
  file.name = file.declared_type = file.detected_type = file.signature = bomb;
  file.sha256 = hash;
  file.size = UINT64_MAX;
  file.scan = "infected";
  events::RequestFacts request = facts();
  request.user_agent = request.host = request.method = request.request_id = bomb;
  request.target = request.route = request.http_version = request.scheme = bomb;
  core::Event event = refusal();
  event.kind = core::EventKind::file_refused;
  event.code = event.policy = event.detail = event.pointer = event.key_hash = event.user = bomb;
  event.rule = event.message = event.page = bomb;
  event.count = UINT64_MAX;
  event.file = &file;
  simdjson::dom::parser parser;
  for (std::size_t room :
       {events::kLineMax - events::kSealSize, events::kPipeLineMax - events::kSealSize}) {
    const std::string line = line_of(
        event, &request, {events::UserPrivacy::clear, events::AddressPrivacy::hash, true}, room);
    assert_true(!line.empty() && line.size() <= room);
    simdjson::dom::element root = parser.parse(line);
    assert_true(std::string_view(root["file"]["name"]).ends_with("\xe2\x80\xa6"));
    expect_text(std::string_view(root["file"]["hash"]["sha256"]), hash);
    assert_non_null(strstr(line.c_str(), "file.name,file.mime_type,"));
    assert_non_null(strstr(line.c_str(), "labels.declared_type,labels.signature"));
  }
}

void dates(void**) {
  const auto date = [](std::uint64_t ms) {
    return line_of(core::Event{}, nullptr, {}, events::kLineMax, ms).substr(15, 24);
  };
  expect_text(date(0), "1970-01-01T00:00:00.000Z");
  expect_text(date(951782399999), "2000-02-28T23:59:59.999Z");
  expect_text(date(951782400000), "2000-02-29T00:00:00.000Z");
  expect_text(date(4107542400000), "2100-03-01T00:00:00.000Z");
  expect_text(date(1735689599001), "2024-12-31T23:59:59.001Z");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(whole_line), cmocka_unit_test(worker_line),
      cmocka_unit_test(observed),   cmocka_unit_test(privacy_choices),
      cmocka_unit_test(no_address), cmocka_unit_test(hostile_bytes),
      cmocka_unit_test(bounded),    cmocka_unit_test(long_host_of_the_machine),
      cmocka_unit_test(every_kind), cmocka_unit_test(dates),
      cmocka_unit_test(rules),      cmocka_unit_test(page),
      cmocka_unit_test(labels),     cmocka_unit_test(bounded_labels),
      cmocka_unit_test(file),       cmocka_unit_test(bounded_file),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
