// Names and values follow the OWASP Secure Headers Project's lists of 2026-07-19
// (headers_add.json, headers_remove.json). Where Guard departs from them, the line says why.
#include "headers/profiles.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace guard::headers {

namespace {

constexpr std::string_view kPermissionsPolicy =
    "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), "
    "encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), "
    "xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), "
    "idle-detection=(), interest-cohort=(), serial=(), unload=()";

// Left out of OWASP's list: Cross-Origin-Embedder-Policy, which breaks every page that embeds
// anything from elsewhere, Cache-Control, which belongs to the application here, and
// Clear-Site-Data, which is for logout only; guard_header adds them. X-XSS-Protection is not on the
// list: see docs/decisions on why it is 0.
constexpr std::array<ProfileField, 10> kWeb = {{
    {"Content-Security-Policy",
     "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; "
     "frame-ancestors 'none'; upgrade-insecure-requests"},
    {"X-Frame-Options", "deny"},
    {"Permissions-Policy", kPermissionsPolicy},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"X-DNS-Prefetch-Control", "off"},
    {"X-XSS-Protection", "0"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Permitted-Cross-Domain-Policies", "none"},
}};

// An answer of an API is data. Should a browser be made to render it after all, it may load
// nothing, run nothing and be framed by nobody (OWASP REST Security Cheat Sheet), so these go out
// whatever type it claims to be; and it is not kept.
constexpr std::array<ProfileField, 8> kApi = {{
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"X-Frame-Options", "deny"},
    {"X-XSS-Protection", "0"},
    {"Cache-Control", "no-store, max-age=0"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Permitted-Cross-Domain-Policies", "none"},
}};

constexpr std::array<std::string_view, 9> kDocumentFields = {
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "X-Frame-Options",
    "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Embedder-Policy",
    "X-DNS-Prefetch-Control",
    "X-XSS-Protection",
    "Document-Policy",
};

constexpr std::array<std::string_view, 87> kTellingFields = {
    "$wsep",
    "Host-Header",
    "K-Proxy-Request",
    "Liferay-Portal",
    "OracleCommerceCloud-Version",
    "Pega-Host",
    "Powered-By",
    "Product",
    "Server",
    "SourceMap",
    "X-AspNet-Version",
    "X-AspNetMvc-Version",
    "X-Atmosphere-error",
    "X-Atmosphere-first-request",
    "X-Atmosphere-tracking-id",
    "X-B3-ParentSpanId",
    "X-B3-Sampled",
    "X-B3-SpanId",
    "X-B3-TraceId",
    "X-BEServer",
    "X-Backside-Transport",
    "X-CF-Powered-By",
    "X-CMS",
    "X-CalculatedBETarget",
    "X-Cocoon-Version",
    "X-Content-Encoded-By",
    "X-Datadog-Origin",
    "X-Datadog-Parent-Id",
    "X-Datadog-Sampling-Priority",
    "X-Datadog-Tags",
    "X-Datadog-Trace-Id",
    "X-DiagInfo",
    "X-Envoy-Attempt-Count",
    "X-Envoy-External-Address",
    "X-Envoy-Internal",
    "X-Envoy-Original-Dst-Host",
    "X-Envoy-Upstream-Service-Time",
    "X-FEServer",
    "X-Framework",
    "X-Generated-By",
    "X-Generator",
    "X-Gitlab-Meta",
    "X-Jitsi-Release",
    "X-Joomla-Version",
    "X-Kong-Admin-Latency",
    "X-Kong-Client-Latency",
    "X-Kong-Proxy-Latency",
    "X-Kong-Request-Id",
    "X-Kong-Response-Latency",
    "X-Kong-Third-Party-Latency",
    "X-Kong-Total-Latency",
    "X-Kong-Upstream-Latency",
    "X-Kong-Upstream-Status",
    "X-Kubernetes-PF-FlowSchema-UI",
    "X-Kubernetes-PF-PriorityLevel-UID",
    "X-LiteSpeed-Cache",
    "X-LiteSpeed-Purge",
    "X-LiteSpeed-Tag",
    "X-LiteSpeed-Vary",
    "X-Litespeed-Cache-Control",
    "X-Mod-Pagespeed",
    "X-Nextjs-Cache",
    "X-Nextjs-Matched-Path",
    "X-Nextjs-Page",
    "X-Nextjs-Redirect",
    "X-OWA-Version",
    "X-Old-Content-Length",
    "X-OneAgent-JS-Injection",
    "X-Page-Speed",
    "X-Php-Version",
    "X-Powered-By",
    "X-Powered-By-Plesk",
    "X-Powered-CMS",
    "X-Redirect-By",
    "X-Server-Powered-By",
    "X-SourceFiles",
    "X-SourceMap",
    "X-Turbo-Charged-By",
    "X-Tyk-Trace-Id",
    "X-Umbraco-Version",
    "X-Varnish-Backend",
    "X-Varnish-Server",
    "X-Woodpecker-Version",
    "X-dtAgentId",
    "X-dtHealthCheck",
    "X-dtInjectedServlet",
    "X-ruxit-JS-Agent",
};

// text/xsl is a name for XML in Chromium, text/rdf in Firefox, which makes a document of each part
// of the multipart, too. Of the last three browsers guess what they are, unless told "nosniff".
constexpr std::array<std::string_view, 9> kDocumentTypes = {
    "text/html",
    "text/xml",
    "application/xml",
    "text/xsl",
    "text/rdf",
    "multipart/x-mixed-replace",
    "unknown/unknown",
    "application/unknown",
    "*/*",
};

}  // namespace

std::span<const ProfileField> fields_of(Profile profile) noexcept {
  switch (profile) {
    case Profile::web:
      return kWeb;
    case Profile::api:
      return kApi;
    case Profile::off:
      break;
  }
  return {};
}

Hsts hsts_of(Profile profile) noexcept {
  Hsts hsts;
  hsts.off = profile == Profile::off;
  hsts.include_subdomains = true;
  return hsts;
}

std::span<const std::string_view> telling_fields() noexcept {
  return kTellingFields;
}

bool is_document_field(std::string_view name) noexcept {
  return std::ranges::any_of(kDocumentFields, [&](std::string_view field) {
    return core::equal_without_case(field, name);
  });
}

bool is_document_type(std::string_view type) noexcept {
  if (type == "text/html") return true;
  if (type.find(',') != std::string_view::npos) return true;
  for (char end : {';', ' ', '\t'}) type = type.substr(0, type.find(end));
  if (type.find('/') == std::string_view::npos) return true;
  constexpr std::string_view kXmlSuffix = "+xml";
  if (type.size() > kXmlSuffix.size() &&
      core::equal_without_case(type.substr(type.size() - kXmlSuffix.size()), kXmlSuffix)) {
    return true;
  }
  return std::ranges::any_of(kDocumentTypes, [type](std::string_view document) {
    return core::equal_without_case(type, document);
  });
}

}  // namespace guard::headers
