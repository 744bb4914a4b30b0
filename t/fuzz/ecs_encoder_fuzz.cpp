// Whatever bytes a request is made of: one line, valid JSON, within its bound, and what Guard
// itself says in it stays what it was.
#include <simdjson.h>

#include <cstdlib>
#include <string>

#include "events/ecs_encoder.h"

namespace core = guard::core;
namespace events = guard::events;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

// Cuts the input into texts, each up to the next 0xfe byte.
class Texts {
 public:
  explicit Texts(std::string_view rest) : rest_(rest) {}

  std::string_view next() {
    const std::size_t end = rest_.find('\xfe');
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return text;
  }

 private:
  std::string_view rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  static events::EcsEncoder encoder({"host", "1.0.0", 1, 2});
  static simdjson::dom::parser parser;
  static std::string out(events::kLineMax, '\0');

  core::Event event;
  event.kind = static_cast<core::EventKind>(data[0] % core::kEventKindCount);
  event.custom_kind = "x_custom";
  event.action = static_cast<core::Action>(data[1] % 4);
  const events::PrivacyPolicy privacy = {static_cast<events::UserPrivacy>(data[2] % 3),
                                         static_cast<events::AddressPrivacy>(data[2] / 3 % 3),
                                         (data[2] & 0x80) != 0};
  const std::size_t room = (data[3] & 1) != 0 ? events::kPipeLineMax : events::kLineMax;
  Texts texts({reinterpret_cast<const char*>(data + 4), size - 4});
  event.pointer = texts.next();
  event.user = texts.next();
  event.detail = texts.next();
  events::RequestFacts request;
  request.target = texts.next();
  request.user_agent = texts.next();
  request.host = texts.next();
  request.method = texts.next();
  request.traceparent = texts.next();
  request.client_address = texts.next();
  request.request_id = texts.next();
  request.tls_version = texts.next();
  request.http_version = texts.next();
  request.route = texts.next();
  event.rule = texts.next();
  event.message = texts.next();
  event.page = texts.next();
  request.user_hash = "00000000000000bb";
  request.address_hash = "00000000000000aa";
  request.client_port = data[1];
  request.status = data[2];
  request.body_bytes = data[3];

  const std::size_t length =
      encoder.encode(event, &request, privacy, size, size * 1000003, std::span(out).first(room));
  expect(length > 0 && length <= room);
  const std::string_view line(out.data(), length);
  expect(line.find('\n') == length - 1);
  for (char c : line.substr(0, length - 1)) {
    expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  simdjson::dom::element root;
  expect(parser.parse(line.data(), line.size()).get(root) == simdjson::SUCCESS);
  std::string_view kind;
  expect(root["labels"]["kind"].get(kind) == simdjson::SUCCESS);
  expect(kind == core::kind_name_of(event));
  std::uint64_t sequence = 0;
  expect(root["event"]["sequence"].get(sequence) == simdjson::SUCCESS && sequence == size);
  if (!privacy.query) expect(root["url"]["query"].error() != simdjson::SUCCESS);
  return 0;
}
