// Runs the regression tests of the OWASP Core Rule Set (their YAML files) through the engine alone:
// a request in, the ids of the rules that matched out. Usage: crs DIRECTORY [FILTER]
#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/ascii.h"
#include "core/words.h"
#include "inspect/crs.h"
#include "inspect/inspection.h"
#include "inspect/raw_request.h"

namespace {

using namespace guard;
using namespace guard::inspect;

// What the tests suppose in crs-setup.conf.
constexpr std::string_view kSetup = R"(
SecAction "id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\
  setvar:tx.enforce_bodyproc_urlencoded=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,\
  setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,\
  setvar:tx.combined_file_sizes=65535"
)";

// What differs from the reference, and why.
struct Excuse {
  std::string_view title;
  std::string_view reason;
};

constexpr std::string_view kXml =
    "expects ModSecurity v2, which has no REQUEST_BODY for XML; v3 has, and finds it";
constexpr std::string_view kServer = "the web server itself refuses such a request or repairs it";

constexpr std::string_view kForm =
    "a multipart type that is not exactly multipart/form-data is refused by rule 200002 before";

constexpr std::array<Excuse, 34> kExcuses = {{
    {"920181-1", kServer}, {"920420-5", kForm},  {"920420-6", kForm},  {"921140-1", kServer},
    {"944100-11", kXml},   {"944100-12", kXml},  {"944100-15", kXml},  {"944100-16", kXml},
    {"944110-11", kXml},   {"944110-12", kXml},  {"944110-15", kXml},  {"944110-16", kXml},
    {"944120-5", kXml},    {"944120-6", kXml},   {"944120-22", kXml},  {"944120-23", kXml},
    {"944120-39", kXml},   {"944120-40", kXml},  {"944120-56", kXml},  {"944120-57", kXml},
    {"944120-73", kXml},   {"944120-74", kXml},  {"944120-90", kXml},  {"944120-91", kXml},
    {"944120-107", kXml},  {"944120-108", kXml}, {"944120-124", kXml}, {"944120-125", kXml},
    {"944210-5", kXml},    {"944210-6", kXml},   {"944210-22", kXml},  {"944210-23", kXml},
    {"944210-39", kXml},   {"944210-40", kXml},
}};

std::string encode_form(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (core::is_letter(c) || core::is_digit(c) || c == '_' || c == '.' || c == '-' || c == '~') {
      out += c;
    } else if (c == ' ' || c == '+') {
      out += '+';
    } else {
      std::array<char, 4> hex{};
      std::snprintf(hex.data(), hex.size(), "%%%02X", byte);
      out += hex.data();
    }
  }
  return out;
}

// The tests' own client encodes a form that is not encoded yet.
std::string encoded(const std::string& data) {
  if (data.find_first_of("%+") != std::string::npos) return data;
  std::string out;
  for (const std::string_view pair : core::split(data, '&')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (!out.empty()) out += '&';
    out += encode_form(pair.substr(0, equals)) + '=' + encode_form(pair.substr(equals + 1));
  }
  return out.empty() ? data : out;
}

std::string base64(const std::string& text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  for (auto at = text.rbegin(); at != text.rend() && *at == '=' && !out.empty(); ++at) {
    out.pop_back();
  }
  return out;
}

std::string request_of(const YAML::Node& input) {
  if (input["encoded_request"]) return base64(input["encoded_request"].as<std::string>());
  if (input["raw_request"]) return input["raw_request"].as<std::string>();
  const auto text = [&](const char* key, const char* otherwise) {
    return input[key] ? input[key].as<std::string>() : std::string(otherwise);
  };
  std::string data;
  if (input["data"] && input["data"].IsSequence()) {
    for (const YAML::Node& line : input["data"]) {
      if (!data.empty()) data += "\r\n";
      data += line.as<std::string>("");
    }
  } else if (input["data"]) {
    data = input["data"].as<std::string>("");
  }
  const bool magic = !(input["stop_magic"] && input["stop_magic"].as<bool>());
  std::string head =
      text("method", "GET") + ' ' + text("uri", "/") + ' ' + text("version", "HTTP/1.1") + "\r\n";
  std::string type;
  bool has_length = false;
  if (input["headers"]) {
    for (const auto& header : input["headers"]) {
      const std::string name = header.first.as<std::string>();
      const std::string value = header.second.as<std::string>("");
      head += name + ": " + value + "\r\n";
      if (equal_ignoring_case(name, "content-type")) type = value;
      has_length = has_length || equal_ignoring_case(name, "content-length");
    }
  }
  if (!data.empty() && magic) {
    if (type.empty()) {
      type = "application/x-www-form-urlencoded";
      head += "Content-Type: " + type + "\r\n";
    }
    if (type.starts_with("multipart/")) {
      std::string lines;
      for (const char c : data) {
        if (c == '\n' && !lines.ends_with('\r')) lines += '\r';
        lines += c;
      }
      data = lines;
    }
    if (type == "application/x-www-form-urlencoded") data = encoded(data);
    if (!has_length) head += "Content-Length: " + std::to_string(data.size()) + "\r\n";
  }
  return head + "\r\n" + data;
}

std::set<std::uint32_t> run(Inspection& inspection, const Program& program,
                            const std::string& text) {
  RawRequest raw;
  std::set<std::uint32_t> ids;
  if (!parse_raw_request(text, raw)) return ids;
  RequestView view;
  view.method = raw.method;
  view.target = raw.target;
  view.version = raw.version;
  view.headers = raw.headers;
  view.client_address = "127.0.0.1";
  if (inspection.run_headers(program, view, kDefaultBudget).outcome == Outcome::passed) {
    inspection.run_body(raw.body);
  }
  for (const Match& match : inspection.matches()) ids.insert(match.rule->id);
  return ids;
}

std::uint32_t id_in(const std::string& pattern) {
  std::uint32_t id = 0;
  for (const char c : pattern) {
    if (core::is_digit(c)) id = id * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return id;
}

class Suite {
 public:
  explicit Suite(std::string filter)
      : filter_(std::move(filter)), program_(load_rules({}, kSetup), {4, 0, true}) {
    inspection_.prepare(program_);
  }

  void file(const std::filesystem::path& path) {
    const YAML::Node document = YAML::LoadFile(path.string());
    for (const YAML::Node& test : document["tests"]) {
      const std::string title = test["test_title"].as<std::string>();
      if (!filter_.empty() && title.find(filter_) == std::string::npos) continue;
      for (const YAML::Node& entry : test["stages"]) {
        const YAML::Node stage = entry["stage"];
        judge(title, request_of(stage["input"]), stage["output"]);
      }
    }
  }

  int report() const {
    std::printf("%d stages, %d as expected, %d not, %d without an expectation that rules decide\n",
                total_, good_, bad_, other_);
    return bad_ == 0 && good_ > 0 ? 0 : 1;
  }

 private:
  void judge(const std::string& title, const std::string& request, const YAML::Node& output) {
    ++total_;
    const bool wanted = static_cast<bool>(output["log_contains"]);
    if (!wanted && !output["no_log_contains"]) {
      ++other_;
      return;
    }
    const std::uint32_t id =
        id_in(output[wanted ? "log_contains" : "no_log_contains"].as<std::string>());
    const std::set<std::uint32_t> ids = run(inspection_, program_, request);
    if (ids.contains(id) == wanted) {
      ++good_;
      return;
    }
    for (const Excuse& excuse : kExcuses) {
      if (title == excuse.title) {
        ++other_;
        return;
      }
    }
    ++bad_;
    std::printf("%s: %u %s, matched:", title.c_str(), id, wanted ? "is missing" : "is not wanted");
    for (const std::uint32_t one : ids) std::printf(" %u", one);
    std::printf("\n");
    if (!filter_.empty()) std::printf("%s\n", request.c_str());
  }

  std::string filter_;
  Program program_;
  Inspection inspection_;
  int total_ = 0;
  int good_ = 0;
  int bad_ = 0;
  int other_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: crs DIRECTORY [FILTER]\n");
    return 2;
  }
  try {
    Suite suite(argc > 2 ? argv[2] : "");
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
      if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& path : files) suite.file(path);
    return suite.report();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crs: %s\n", error.what());
    return 1;
  }
}
