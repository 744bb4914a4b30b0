#include "errors/envelope.h"

#include "core/json_escape.h"
#include "core/metric_text.h"
#include "core/version.h"

namespace guard::errors {

namespace {

constexpr unsigned kMilliseconds = 3;  // decimals of seconds

class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_.push_back('{'); }

  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    core::append_json_string(out_, value);
  }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    out_.append(json);
  }
  void end() { out_.push_back('}'); }

 private:
  void key(std::string_view name) {
    if (out_.back() != '{') out_.push_back(',');
    core::append_json_string(out_, name);
    out_.push_back(':');
  }

  std::string& out_;
};

std::string title_of(const Group& group) {
  std::string text;
  if (group.status != 0) {
    text = group.route + " answers " + std::to_string(group.status);
    if (group.kind == "upstream_failed") text += ", its upstream failed";
    return text;
  }
  text = group.kind;
  if (!group.detail.empty()) text.append(": ").append(group.detail);
  return text;
}

std::string tags_of(const Group& group) {
  std::string json;
  Object tags(json);
  tags.text("kind", group.kind);
  tags.text("server", group.server);
  tags.text("route", group.route);
  tags.text("code", group.code);
  tags.text("method", group.method);
  if (group.status != 0) tags.text("status", std::to_string(group.status));
  tags.text("request_id", group.request_id);
  tags.end();
  return json;
}

std::string seconds(std::uint64_t milliseconds) {
  std::string text;
  core::append_decimal(text, milliseconds, kMilliseconds);
  return text;
}

// What belongs together is one issue, whatever its texts.
std::string fingerprint_of(const Group& group) {
  std::string json = "[\"guard\"";
  for (const std::string_view part :
       {std::string_view(group.kind), std::string_view(group.server), std::string_view(group.route),
        std::string_view(group.code)}) {
    json.push_back(',');
    core::append_json_string(json, part);
  }
  return json.append(",\"").append(std::to_string(group.status)).append("\"]");
}

}  // namespace

std::string make_envelope(const Group& group, const Reporter& reporter, std::string_view id) {
  std::string payload;
  Object event(payload);
  event.text("event_id", id);
  event.raw("timestamp", seconds(group.first_ms));
  event.text("platform", "other");
  event.text("level", "error");
  event.text("logger", "guard");
  event.text("server_name", reporter.host);
  event.text("environment", reporter.environment);
  event.text("release", reporter.release);
  event.text("transaction", group.route);
  std::string message;
  Object formatted(message);
  formatted.text("formatted", title_of(group));
  formatted.end();
  event.raw("message", message);
  event.raw("fingerprint", fingerprint_of(group));
  event.raw("tags", tags_of(group));
  event.raw("extra", "{\"occurrences\":" + std::to_string(group.count) + "}");
  event.raw("sdk", "{\"name\":\"guard\",\"version\":\"" + std::string(core::kVersion) + "\"}");
  event.end();

  std::string envelope;
  Object head(envelope);
  head.text("event_id", id);
  head.end();
  envelope.append("\n{\"type\":\"event\",\"length\":").append(std::to_string(payload.size()));
  return envelope.append("}\n").append(payload).append("\n");
}

std::string make_request(const Dsn& dsn, std::string_view envelope) {
  const bool v6 = dsn.host.find(':') != std::string::npos;
  std::string text = "POST " + dsn.path + " HTTP/1.1\r\nHost: ";
  text.append(v6 ? "[" : "").append(dsn.host).append(v6 ? "]" : "");
  if (dsn.port != (dsn.tls ? 443 : 80)) text.append(":").append(std::to_string(dsn.port));
  text.append("\r\nUser-Agent: guard/").append(core::kVersion);
  text.append("\r\nX-Sentry-Auth: Sentry sentry_version=7, sentry_client=guard/");
  text.append(core::kVersion).append(", sentry_key=").append(dsn.key.expose());
  text.append("\r\nContent-Type: application/x-sentry-envelope\r\nContent-Length: ");
  text.append(std::to_string(envelope.size())).append("\r\nConnection: close\r\n\r\n");
  return text.append(envelope);
}

}  // namespace guard::errors
