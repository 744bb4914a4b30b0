// What an OpenAPI document costs: to load it, in memory, and to hold requests to it. Prints
//   load MILLISECONDS SYSTEM_BYTES PROGRAM_BYTES OPERATIONS
//   request MICROSECONDS BYTES VERDICT METHOD TARGET
// SYSTEM_BYTES is what the process has grown by while it loaded; PROGRAM_BYTES the tables of the
// schemas. REQUESTS has a line each, its words divided by tabs: METHOD TARGET [BODY]; MICROSECONDS
// are for finding the operation, its parameters, parsing and checking the body.
//   build/native/bench/openapi DOCUMENT BASE answers|requests < REQUESTS

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "core/json_parser.h"
#include "core/scratch.h"
#include "core/words.h"
#include "json/coercion.h"
#include "json/form.h"
#include "json/openapi.h"
#include "json/openapi_parameters.h"

namespace {

using namespace guard;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& what) {
  (void)std::fprintf(stderr, "openapi_bench: %s\n", what.c_str());
  std::exit(1);
}

std::size_t resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t held = 0;
  file >> all >> held;
  return held * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

template <class... Tables>
std::size_t bytes_of(const Tables&... tables) {
  return ((tables.size() * sizeof(typename Tables::value_type)) + ...);
}

std::size_t size_of(const json::SchemaProgram& p) {
  return bytes_of(p.blocks, p.operations, p.lists, p.messages, p.names, p.patterns, p.formats,
                  p.bounds, p.divisors, p.objects, p.slots, p.pattern_properties, p.required,
                  p.arrays, p.contains, p.dependencies, p.enumerations, p.enum_strings, p.values,
                  p.enum_slots, p.dynamics);
}

struct Sample {
  std::string method;
  std::string target;
  std::string body;
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = core::split(line, '\t');
    if (words.size() < 2) die("a line without a method and a target");
    all.push_back({std::string(words[0]), std::string(words[1]),
                   words.size() > 2 ? std::string(words[2]) : std::string()});
  }
  return all;
}

class Judge {
 public:
  Judge(const json::OpenApi& openapi, std::string base)
      : openapi_(openapi), base_(std::move(base)) {}

  const char* judge(const Sample& sample) {
    const std::string_view target = sample.target;
    const std::size_t mark = std::min(target.find('?'), target.size());
    const json::OperationMatch match =
        json::find_operation(openapi_, base_, sample.method, target.substr(0, mark));
    if (match.operation == nullptr) return "unknown";
    const std::string_view query =
        mark < target.size() ? target.substr(mark + 1) : std::string_view();
    const auto parameters = reader_.read(openapi_, match, {query, {}}, evaluator_);
    if (parameters != json::ParameterReader::Verdict::valid) return "parameter";
    if (sample.body.empty()) return match.operation->body_required ? "missing" : "valid";
    const bool form = sample.body.front() != '{' && sample.body.front() != '[';
    const char* type = form ? "application/x-www-form-urlencoded" : "application/json";
    const json::OpenApiMedia* media = json::find_media(match.operation->bodies, type);
    if (media == nullptr) return "media";
    if (media->schema == json::kNoSchema) return "valid";
    const core::JsonLimits limits;
    std::optional<std::string_view> text = sample.body;
    if (form) text = form_.read(sample.body, *openapi_.forms[media->form], limits, text_);
    if (!text) return "form";
    const core::JsonDocument* document = parser_.parse(*text, limits);
    if (document == nullptr) return "json";
    const auto verdict =
        evaluator_.evaluate(openapi_.program, openapi_.block_of(media->schema), *document, 0, 10);
    return verdict == json::SchemaVerdict::valid ? "valid" : "invalid";
  }

 private:
  const json::OpenApi& openapi_;
  std::string base_;
  json::FormReader form_;
  core::Scratch<char> text_;
  core::JsonParser parser_;
  json::ParameterReader reader_;
  json::SchemaEvaluator evaluator_;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) die("DOCUMENT BASE answers|requests");
  const std::vector<Sample> all = samples();
  const std::size_t before = resident();
  const auto start = Clock::now();
  const auto openapi = json::load_openapi(argv[1], std::string_view(argv[3]) == "answers");
  const std::chrono::duration<double, std::milli> spent = Clock::now() - start;
  std::printf("load %.1f %zu %zu %zu\n", spent.count(), resident() - before,
              size_of(openapi->program) + size_of(openapi->answer_program),
              openapi->operations.size());
  const auto judge = std::make_unique<Judge>(*openapi, argv[2]);
  for (const Sample& sample : all) {
    constexpr int kTimes = 20'000;
    const char* verdict = judge->judge(sample);
    for (int i = 0; i < kTimes / 10; ++i) judge->judge(sample);
    const auto begin = Clock::now();
    for (int i = 0; i < kTimes; ++i) judge->judge(sample);
    const std::chrono::duration<double, std::micro> took = Clock::now() - begin;
    std::printf("request %.3f %zu %s %s %s\n", took.count() / kTimes, sample.body.size(), verdict,
                sample.method.c_str(), sample.target.c_str());
  }
  return 0;
} catch (const std::exception& error) {
  die(error.what());
}
