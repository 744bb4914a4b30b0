#include "events/ecs_encoder.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "core/json_escape.h"
#include "events/chain.h"

namespace guard::events {

namespace {

constexpr std::string_view kEcsVersion = "9.4.0";
// Exploit Public-Facing Application.
constexpr std::string_view kThreat =
    R"("threat":{"framework":"MITRE ATT&CK","technique":{"id":["T1190"]}},)";
// U+2026, the sign that a text was cut.
constexpr std::string_view kCut = "\xe2\x80\xa6";
constexpr std::size_t kDateSize = 20;
constexpr std::size_t kMomentSize = kDateSize + 4;
constexpr std::size_t kHostMax = 64;

// The most bytes of JSON that each text may take, without quotes and the sign of a cut.
struct Caps {
  std::size_t path, query, user_agent, host, reason, pointer, user, word, id, label_url, file_name;
};
constexpr Caps kWide = {2048, 1024, 768, 256, 512, 512, 256, 128, 64, 0, 0};
constexpr Caps kNarrow = {512, 192, 320, 128, 256, 192, 128, 64, 64, 0, 0};
// Of events with labels of their own, which need the room more than what the request says.
constexpr Caps kWideLabelled = {512, 512, 768, 256, 256, 64, 64, 128, 64, 800, 0};
constexpr Caps kNarrowLabelled = {128, 64, 192, 128, 128, 64, 64, 64, 64, 170, 0};
// Of events about a file.
constexpr Caps kWideFile = {1024, 512, 768, 256, 512, 64, 256, 128, 64, 0, 1024};
constexpr Caps kNarrowFile = {192, 64, 192, 128, 192, 64, 64, 64, 64, 0, 256};

// Everything but the capped texts: names, punctuation, numbers, the kind's and the writer's own
// members, and labels.truncated. A unit test and the fuzzer hold the encoder to it.
constexpr std::size_t kFixedMax = 1216;
// The name of a label, its punctuation, the sign of a cut, and its place in labels.truncated.
constexpr std::size_t kLabelFixedMax = 2 * core::kEventLabelNameMax + 10;
constexpr std::size_t sum_of(const Caps& caps) {
  // code, policy, rules and route are words; request id, three hashes, method, scheme, two
  // versions, the trace id and the address are ids.
  return caps.path + caps.query + caps.user_agent + caps.host + caps.reason + caps.reason / 2 +
         caps.pointer + caps.user + 4 * caps.word + 10 * caps.id;
}
constexpr std::size_t labelled_sum_of(const Caps& caps) {
  return sum_of(caps) + (1 + core::kEventUrlsMax) * (caps.label_url + kLabelFixedMax) +
         core::kEventWordsMax * (caps.id + kLabelFixedMax);
}
// Declared type and signature are words, the detected type and the extension are ids. What else
// file.* needs: the hash, a number of 20 digits, the scan's verdict, names, and those of what was
// cut.
constexpr std::size_t kFileFixedMax = 64 + 20 + 8 + 15 * 16;
constexpr std::size_t file_sum_of(const Caps& caps) {
  return sum_of(caps) + caps.file_name + 2 * caps.word + 2 * caps.id + kFileFixedMax;
}
static_assert(sum_of(kWide) + kFixedMax + kSealSize <= kLineMax);
static_assert(sum_of(kNarrow) + kFixedMax + kSealSize <= kPipeLineMax);
static_assert(labelled_sum_of(kWideLabelled) + kFixedMax + kSealSize <= kLineMax);
static_assert(labelled_sum_of(kNarrowLabelled) + kFixedMax + kSealSize <= kPipeLineMax);
static_assert(file_sum_of(kWideFile) + kFixedMax + kSealSize <= kLineMax);
static_assert(file_sum_of(kNarrowFile) + kFixedMax + kSealSize <= kPipeLineMax);

// Writes members one after the other into a bounded buffer. What does not fit is noticed, never
// written beyond the end.
class LineWriter {
 public:
  explicit LineWriter(std::span<char> out) : out_(out) {}

  bool fits() const { return fits_; }
  std::size_t size() const { return at_; }

  void raw(std::string_view text) noexcept {
    if (text.size() > out_.size() - at_) {
      fits_ = false;
      return;
    }
    std::memcpy(out_.data() + at_, text.data(), text.size());
    at_ += text.size();
  }

  // Opens and closes one object of the line; an object that stays empty leaves no trace.
  void open(std::string_view name) noexcept {
    opened_[depth_++] = {at_, comma_};
    key(name);
    raw("{");
    comma_ = false;
  }
  void close() noexcept {
    const Opened& opened = opened_[--depth_];
    if (!comma_) {
      at_ = opened.at;
      comma_ = opened.comma;
      return;
    }
    raw("}");
  }

  void text(std::string_view name, std::string_view value, std::size_t cap,
            std::string_view full_name = {}) noexcept {
    if (value.empty()) return;
    key(name);
    cap = std::min(cap, value.size() * core::kJsonEscapeFactor);
    if (cap + 2 + kCut.size() > out_.size() - at_) {
      fits_ = false;
      return;
    }
    bool whole = true;
    const std::size_t size = core::write_json_string(out_.data() + at_, cap + 2, value, &whole);
    at_ += size;
    if (whole) return;
    --at_;
    raw(kCut);
    raw("\"");
    if (cut_count_ < cut_.size()) cut_[cut_count_++] = full_name.empty() ? name : full_name;
  }

  // A text of Guard's or nginx's own making, in which nothing needs an escape.
  void plain(std::string_view name, std::string_view value) noexcept {
    if (value.empty()) return;
    key(name);
    if (value.size() + 2 > out_.size() - at_) {
      fits_ = false;
      return;
    }
    out_[at_] = '"';
    std::memcpy(out_.data() + at_ + 1, value.data(), value.size());
    at_ += value.size() + 2;
    out_[at_ - 1] = '"';
  }

  // "1,2" as ["1","2"], as many as fit into most bytes.
  void list(std::string_view name, std::string_view values, std::size_t most) noexcept {
    if (values.empty()) return;
    key(name);
    const std::size_t end = at_ + most;
    raw("[");
    for (bool first = true;; first = false) {
      const std::string_view value = values.substr(0, values.find(','));
      if (at_ + value.size() + 4 > end) break;
      raw(first ? "\"" : ",\"");
      raw(value);
      raw("\"");
      if (value.size() == values.size()) break;
      values.remove_prefix(value.size() + 1);
    }
    raw("]");
  }

  void number(std::string_view name, std::uint64_t value) noexcept {
    key(name);
    digits(value);
  }

  // Numbers among labels are keywords, hence text (ECS, "labels").
  void number_text(std::string_view name, std::uint64_t value) noexcept {
    key(name);
    raw("\"");
    digits(value);
    raw("\"");
  }

  void cut_names(std::string_view name) noexcept {
    if (cut_count_ == 0) return;
    key(name);
    for (std::size_t i = 0; i < cut_count_; ++i) {
      raw(i == 0 ? "\"" : ",");
      raw(cut_[i]);
    }
    raw("\"");
  }

  void copied() noexcept { comma_ = true; }

 private:
  struct Opened {
    std::size_t at;
    bool comma;
  };

  void key(std::string_view name) noexcept {
    if (name.size() + 4 > out_.size() - at_) {
      fits_ = false;
      return;
    }
    char* at = out_.data() + at_;
    if (comma_) *at++ = ',';
    *at++ = '"';
    std::memcpy(at, name.data(), name.size());
    at += name.size();
    *at++ = '"';
    *at++ = ':';
    at_ = static_cast<std::size_t>(at - out_.data());
    comma_ = true;
  }

  void digits(std::uint64_t value) noexcept {
    std::array<char, 20> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    raw({buffer.data(), static_cast<std::size_t>(end - buffer.data())});
  }

  std::span<char> out_;
  std::size_t at_ = 0;
  bool fits_ = true;
  bool comma_ = false;
  std::array<Opened, 4> opened_{};
  std::size_t depth_ = 0;
  std::array<std::string_view, 20> cut_{};
  std::size_t cut_count_ = 0;
};

// "a,b" as ["a","b"], with "allowed" for "denied" where wanted.
std::string json_list(std::string_view list, bool allowed) {
  std::string json = "[";
  for (std::string_view word : core::split(list, ',')) {
    if (allowed && word == "denied") word = "allowed";
    if (json.size() > 1) json += ',';
    core::append_json_string(json, word);
  }
  return json + "]";
}

std::string_view outcome_name(core::Outcome outcome) {
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

std::string_view decision_name(core::Action action) noexcept {
  switch (action) {
    case core::Action::allowed:
      return "allowed";
    case core::Action::denied:
      return "denied";
    case core::Action::observed:
      return "observed";
    case core::Action::none:
      break;
  }
  return {};
}

void two_digits(char* out, unsigned value) noexcept {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

// "2026-11-24T03:36:15." of seconds since the epoch, by Howard Hinnant's civil_from_days.
void write_date(std::uint64_t seconds, char* out) noexcept {
  const std::uint64_t days = seconds / 86400;
  const auto rest = static_cast<unsigned>(seconds % 86400);
  const std::uint64_t z = days + 719468;
  const std::uint64_t era = z / 146097;
  const auto day_of_era = static_cast<unsigned>(z - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const auto year = static_cast<unsigned>((year_of_era + era * 400 + (month <= 2 ? 1 : 0)) % 10000);

  two_digits(out, year / 100);
  two_digits(out + 2, year % 100);
  out[4] = '-';
  two_digits(out + 5, month);
  out[7] = '-';
  two_digits(out + 8, day);
  out[10] = 'T';
  two_digits(out + 11, rest / 3600);
  out[13] = ':';
  two_digits(out + 14, rest / 60 % 60);
  out[16] = ':';
  two_digits(out + 17, rest % 60);
  out[19] = '.';
}

// What is written of the client's address.
void write_source(LineWriter& line, const RequestFacts& request, AddressPrivacy privacy,
                  const Caps& caps) noexcept {
  // ECS's type "ip" takes nothing else.
  const bool is_ip = request.client_address.find_first_of(".:") != std::string_view::npos &&
                     !request.client_address.starts_with("unix:");
  if (!is_ip || privacy == AddressPrivacy::hash) return;
  line.open("source");
  if (privacy == AddressPrivacy::network) {
    NetworkBuffer buffer;
    line.plain("ip", network_of(request.client_address, buffer));
  } else {
    line.text("ip", request.client_address, caps.id);
    if (request.client_port != 0) line.number("port", request.client_port);
  }
  line.close();
}

// URLs that clients tell have a query only where those of requests have.
std::string_view url_text(std::string_view url, const PrivacyPolicy& privacy) noexcept {
  return privacy.query ? url : split_target(url).path;
}

void write_request(LineWriter& line, const RequestFacts& request, const core::Event& event,
                   std::uint16_t status, const PrivacyPolicy& privacy, const Caps& caps) noexcept {
  write_source(line, request, privacy.address, caps);

  const Target target = split_target(request.target);
  line.open("url");
  line.text("original", url_text(event.page, privacy), caps.label_url, "url.original");
  line.text("path", target.path, caps.path, "url.path");
  if (privacy.query) line.text("query", target.query, caps.query, "url.query");
  line.text("domain", request.host, caps.host, "url.domain");
  line.text("scheme", request.scheme, caps.id);
  line.close();

  line.open("http");
  line.text("version", request.http_version, caps.id);
  line.open("request");
  line.text("id", request.request_id, caps.id, "http.request.id");
  line.text("method", request.method, caps.id, "http.request.method");
  if (request.body_bytes != 0) {
    line.open("body");
    line.number("bytes", request.body_bytes);
    line.close();
  }
  line.close();
  if (status != 0) {
    line.open("response");
    line.number("status_code", status);
    line.close();
  }
  line.close();

  line.open("user_agent");
  line.text("original", request.user_agent, caps.user_agent, "user_agent.original");
  line.close();

  if (const std::size_t v = request.tls_version.find('v'); v != std::string_view::npos) {
    line.open("tls");
    line.text("version", request.tls_version.substr(v + 1), caps.id);
    line.plain("version_protocol", request.tls_version.starts_with("SSL") ? "ssl" : "tls");
    line.close();
  }
  line.open("trace");
  line.plain("id", trace_id_of(request.traceparent));
  line.close();
}

void write_file(LineWriter& line, const core::EventFile& file, const Caps& caps) noexcept {
  line.open("file");
  line.text("name", file.name, caps.file_name, "file.name");
  const std::size_t dot = file.name.rfind('.');
  if (dot != std::string_view::npos && dot != 0) {
    line.text("extension", file.name.substr(dot + 1), caps.id, "file.extension");
  }
  if (file.size) line.number("size", *file.size);
  line.text("mime_type", file.detected_type, caps.id, "file.mime_type");
  line.open("hash");
  line.plain("sha256", file.sha256);
  line.close();
  line.close();
}

// When what the event tells of is over.
void write_end(LineWriter& line, std::uint64_t end_ms) noexcept {
  std::array<char, kMomentSize> date;
  write_date(end_ms / 1000, date.data());
  const auto millisecond = static_cast<unsigned>(end_ms % 1000);
  date[kDateSize] = static_cast<char>('0' + millisecond / 100);
  two_digits(date.data() + kDateSize + 1, millisecond % 100);
  date[kDateSize + 3] = 'Z';
  line.text("end", {date.data(), date.size()}, date.size());
}

// The labels that an event brings with it.
void write_own_labels(LineWriter& line, std::span<const core::EventLabel> labels,
                      const PrivacyPolicy& privacy, const Caps& caps) noexcept {
  std::size_t urls = 0;
  std::size_t words = 0;
  for (const core::EventLabel& label : labels) {
    if (label.url ? ++urls > core::kEventUrlsMax : ++words > core::kEventWordsMax) continue;
    if (!label.url) {
      line.text(label.name, label.value, caps.id);
    } else {
      line.text(label.name, url_text(label.value, privacy), caps.label_url);
    }
  }
}

void write_labels(LineWriter& line, const core::Event& event, std::string_view kind,
                  const RequestFacts* request, const PrivacyPolicy& privacy,
                  const Caps& caps) noexcept {
  line.open("labels");
  line.plain("kind", kind);
  line.plain("decision", decision_name(event.action));
  line.text("json_pointer", event.pointer, caps.pointer, "labels.json_pointer");
  line.text("key_hash", event.key_hash, caps.id, "labels.key_hash");
  if (event.count != 0) line.number_text("count", event.count);
  if (event.file != nullptr) {
    line.text("declared_type", event.file->declared_type, caps.word, "labels.declared_type");
    line.plain("scan", event.file->scan);
    line.text("signature", event.file->signature, caps.word, "labels.signature");
  } else {
    write_own_labels(line, event.labels, privacy, caps);
  }
  if (request != nullptr) {
    line.text("route", request->route, caps.word, "labels.route");
    if (privacy.address == AddressPrivacy::hash) {
      line.text("address_hash", request->address_hash, caps.id);
    }
  }
  line.cut_names("truncated");
  line.close();
}

}  // namespace

std::string entity_id(const Writer& writer) {
  return std::to_string(writer.started_ms) + "-" + std::to_string(writer.process_id);
}

EcsEncoder::EcsEncoder(const Writer& writer) {
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const core::EventKindInfo& info = core::info_of(static_cast<core::EventKind>(i));
    const bool alert = info.category.find("intrusion_detection") != std::string_view::npos;
    KindText& text = kinds_[i];
    if (info.kind == core::EventKind::injection_detected) text.head = kThreat;
    text.head += std::string("\"event\":{\"kind\":\"") + (alert ? "alert" : "event") +
                 R"(","module":"guard","dataset":"guard.events")";
    if (info.kind != core::EventKind::custom) {
      text.head += ",\"action\":";
      core::append_json_string(text.head, info.action);
    }
    text.categories = ",\"category\":" + json_list(info.category, false) + ",\"type\":";
    text.type = json_list(info.type, false);
    text.allowed_type = json_list(info.type, true);
    text.tail = ",\"outcome\":\"" + std::string(outcome_name(info.outcome)) + "\"";
  }
  for (std::size_t i = 0; i < severities_.size(); ++i) {
    const auto severity = static_cast<core::Severity>(i);
    if (severity < core::Severity::critical) continue;
    severities_[i].level = "Z\",\"log\":{\"level\":\"" + std::string(name_of(severity)) + "\"},";
    severities_[i].number = ",\"severity\":" + std::to_string(i);
  }
  writer_ = R"("observer":{"vendor":"Guard","product":"Guard","type":"waf","version":)";
  core::append_json_string(writer_, std::string_view(writer.version).substr(0, 32));
  if (!writer.host.empty()) {
    std::array<char, kHostMax + 2> host;
    const std::size_t size = core::write_json_string(host.data(), host.size(), writer.host);
    writer_.append(",\"hostname\":").append(host.data(), size);
  }
  writer_ += "},\"process\":{\"pid\":" + std::to_string(writer.process_id) + ",\"entity_id\":\"" +
             entity_id(writer) + "\"},\"ecs\":{\"version\":\"" + std::string(kEcsVersion) +
             "\"}}\n";
  write_date(0, date_.data());
}

std::size_t EcsEncoder::encode(const core::Event& event, const RequestFacts* request,
                               const PrivacyPolicy& privacy, std::uint64_t sequence,
                               std::uint64_t now_ms, std::span<char> out) noexcept {
  if (out.size() < kPipeLineMax - kSealSize) return 0;
  if (now_ms / 1000 != second_) {
    second_ = now_ms / 1000;
    write_date(second_, date_.data());
  }
  const auto millisecond = static_cast<unsigned>(now_ms % 1000);
  const core::EventKindInfo& info = core::info_of(event.kind);
  const KindText& kind = kinds_[static_cast<std::size_t>(event.kind)];
  const core::Severity severity = event.severity.value_or(info.severity);
  const bool allowed =
      event.action == core::Action::allowed || event.action == core::Action::observed;
  std::uint16_t status = event.status;
  if (status == 0 && request != nullptr) status = request->status;

  const bool labelled = !event.labels.empty();
  const Caps* wide = labelled ? &kWideLabelled : &kWide;
  const Caps* narrow = labelled ? &kNarrowLabelled : &kNarrow;
  if (event.file != nullptr) {
    wide = &kWideFile;
    narrow = &kNarrowFile;
  }
  for (const Caps* one : {wide, narrow}) {
    const Caps& caps = *one;
    LineWriter line(out.first(std::min(out.size(), kLineMax)));
    line.raw("{\"@timestamp\":\"");
    line.raw({date_.data(), kDateSize});
    std::array<char, 3> fraction = {static_cast<char>('0' + millisecond / 100),
                                    static_cast<char>('0' + millisecond / 10 % 10),
                                    static_cast<char>('0' + millisecond % 10)};
    line.raw({fraction.data(), fraction.size()});
    line.raw(severities_[static_cast<std::size_t>(severity)].level);
    line.raw(kind.head);
    if (event.kind == core::EventKind::custom && !event.custom_kind.empty()) {
      line.raw(",");
      line.plain("action", event.custom_kind);
    }
    line.raw(kind.categories);
    line.raw(allowed ? kind.allowed_type : kind.type);
    line.raw(kind.tail);
    line.raw(severities_[static_cast<std::size_t>(severity)].number);
    line.copied();
    line.number("sequence", sequence);
    line.text("code", event.code, caps.word, "event.code");
    line.text("reason", event.detail, caps.reason, "event.reason");
    if (event.score != 0) line.number("risk_score", event.score);
    if (event.end_ms != 0) write_end(line, event.end_ms);
    line.raw("}");

    line.open("rule");
    line.text("id", event.rule, caps.word, "rule.id");
    if (event.rule.empty()) line.list("id", event.rules, caps.word);
    line.text("name", event.policy, caps.word, "rule.name");
    line.close();

    line.open("error");
    line.text("message", event.message, caps.reason / 2, "error.message");
    line.close();

    line.open("user");
    if (privacy.user == UserPrivacy::clear) {
      line.text("name", event.user, caps.user, "user.name");
    } else if (privacy.user == UserPrivacy::hash && !event.user.empty() && request != nullptr) {
      line.text("hash", request->user_hash, caps.id);
    }
    line.close();

    if (request != nullptr) write_request(line, *request, event, status, privacy, caps);
    if (event.file != nullptr) write_file(line, *event.file, caps);
    write_labels(line, event, core::kind_name_of(event), request, privacy, caps);
    line.raw(",");
    line.raw(writer_);
    if (line.fits()) return line.size();
  }
  return 0;
}

}  // namespace guard::events
