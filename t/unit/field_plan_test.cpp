#include "headers/field_plan.h"

#include <algorithm>
#include <set>

#include "headers/profiles.h"
#include "unit.h"

namespace headers = guard::headers;
using guard::unit::expect_error;
using guard::unit::expect_text;

namespace {

std::string text_of(const headers::FieldPlan& plan) {
  std::string text;
  for (const auto& field : plan.fields) text += field.name + ": " + field.value + "\n";
  return text;
}

headers::FieldPlan plan_of(headers::Profile profile, bool overrides = false) {
  return headers::make_plan({profile, overrides}, {}, std::nullopt, {});
}

void web(void**) {
  const auto plan = plan_of(headers::Profile::web);
  expect_text(text_of(plan),
              "Content-Security-Policy: default-src 'self'; form-action 'self'; base-uri 'self'; "
              "object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests\n"
              "X-Frame-Options: deny\n"
              "Permissions-Policy: accelerometer=(), autoplay=(), camera=(), "
              "cross-origin-isolated=(), display-capture=(), encrypted-media=(), fullscreen=(), "
              "geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), "
              "midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), "
              "screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), "
              "xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), "
              "idle-detection=(), interest-cohort=(), serial=(), unload=()\n"
              "Cross-Origin-Opener-Policy: same-origin\n"
              "X-DNS-Prefetch-Control: off\n"
              "X-XSS-Protection: 0\n"
              "X-Content-Type-Options: nosniff\n"
              "Referrer-Policy: no-referrer\n"
              "Cross-Origin-Resource-Policy: same-origin\n"
              "X-Permitted-Cross-Domain-Policies: none\n"
              "Strict-Transport-Security: max-age=63072000; includeSubDomains\n");
  assert_int_equal(plan.constant, 11);
  assert_int_equal(plan.document, 6);
  assert_int_equal(plan.content, 6);
  assert_int_equal(plan.insecure, 10);
  assert_true(plan.needs_scheme);
}

void api(void**) {
  expect_text(text_of(plan_of(headers::Profile::api)),
              "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\n"
              "X-Frame-Options: deny\n"
              "X-XSS-Protection: 0\n"
              "Cache-Control: no-store, max-age=0\n"
              "X-Content-Type-Options: nosniff\n"
              "Referrer-Policy: no-referrer\n"
              "Cross-Origin-Resource-Policy: same-origin\n"
              "X-Permitted-Cross-Domain-Policies: none\n"
              "Strict-Transport-Security: max-age=63072000; includeSubDomains\n");
}

void nothing(void**) {
  const auto plan = plan_of(headers::Profile::off);
  assert_true(plan.empty());
  assert_false(plan.needs_scheme);
  assert_null(plan.names.find("Server"));
  assert_null(plan.names.find(""));
}

void who_wins(void**) {
  using headers::Existing;
  std::vector<headers::FieldRule> rules = {
      {"x-frame-options", "SAMEORIGIN", false},
      {"Referrer-Policy", "", true},
      {"X-Request", "$request_id", false},
  };
  headers::Hsts hsts;
  hsts.max_age = 60;
  auto plan = headers::make_plan({headers::Profile::web, false}, rules, hsts, {});
  const auto existing = [&](std::string_view name) { return plan.names.find(name)->existing; };
  assert_true(existing("X-Frame-Options") == Existing::goes);
  assert_true(existing("content-security-policy") == Existing::stays);
  assert_true(existing("Strict-Transport-Security") == Existing::goes);
  assert_null(plan.names.find("Referrer-Policy"));
  expect_text(plan.fields.back().name, "X-Request");
  assert_true(plan.fields.back().is_variable());
  assert_int_equal(plan.constant, plan.fields.size() - 1);
  expect_text(plan.fields[plan.constant - 1].value, "max-age=60");
  // One field per name, whatever its case.
  std::set<std::string> seen;
  for (const auto& field : plan.fields) {
    std::string name = field.name;
    std::ranges::transform(name, name.begin(),
                           [](char c) { return static_cast<char>(tolower(c)); });
    assert_true(seen.insert(name).second);
  }

  plan = headers::make_plan({headers::Profile::web, true}, {}, std::nullopt, {});
  assert_true(existing("content-security-policy") == Existing::goes);
  assert_true(existing("Strict-Transport-Security") == Existing::goes);

  hsts.off = true;
  plan = headers::make_plan({headers::Profile::web, false}, {}, hsts, {});
  assert_null(plan.names.find("Strict-Transport-Security"));
  assert_false(plan.needs_scheme);
}

void hiding(void**) {
  headers::HideChoice hide;
  hide.known = true;
  hide.names = {"X-Mine", "Cache-Control"};
  const auto plan = headers::make_plan({headers::Profile::api, false}, {}, std::nullopt, hide);
  assert_true(plan.hides_version);
  assert_int_equal(headers::telling_fields().size(), 87);
  for (std::string_view name : headers::telling_fields()) {
    const auto* entry = plan.names.find(name);
    assert_non_null(entry);
    assert_int_equal(entry->field, headers::NameTable::kHidden);
  }
  assert_non_null(plan.names.find("x-mine"));
  assert_non_null(plan.names.find("X-POWERED-BY"));
  assert_null(plan.names.find("X-Powered-Bz"));
  assert_null(plan.names.find("Content-Type"));
  // Ours takes the place of the hidden one.
  const auto* ours = plan.names.find("Cache-Control");
  assert_int_not_equal(ours->field, headers::NameTable::kHidden);
  assert_true(ours->existing == headers::Existing::goes);

  hide.off = true;
  assert_true(headers::make_plan({}, {}, std::nullopt, hide).empty());
}

void too_many(void**) {
  std::vector<headers::FieldRule> rules;
  for (int i = 0; i < 65; ++i) rules.push_back({"X-" + std::to_string(i), "a", false});
  expect_error([&] { headers::make_plan({}, rules, std::nullopt, {}); },
               "more than 64 header fields");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(web),      cmocka_unit_test(api),    cmocka_unit_test(nothing),
      cmocka_unit_test(who_wins), cmocka_unit_test(hiding), cmocka_unit_test(too_many),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
