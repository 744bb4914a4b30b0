#include "inspect/xml_text.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace guard::inspect {

// What libxml2 calls: C functions, out of which nothing may be thrown.
struct XmlHandlers {
  static XmlText& self(void* context) { return *static_cast<XmlText*>(context); }

  static const char* chars(const xmlChar* text) { return reinterpret_cast<const char*>(text); }

  template <class Action>
  static void guarded(void* context, Action action) noexcept {
    XmlText& xml = self(context);
    if (xml.failed_) return;
    try {
      action(xml);
    } catch (...) {
      xml.failed_ = true;
      xml.error_ = "out of memory";
    }
  }

  static void start(void* context, const xmlChar* /*name*/, const xmlChar* /*prefix*/,
                    const xmlChar* /*uri*/, int namespaces, const xmlChar** /*spaces*/, int count,
                    int /*defaulted*/, const xmlChar** attributes) {
    guarded(context, [&](XmlText& xml) {
      xml.end_piece();
      xml.enter(static_cast<std::size_t>(namespaces));
      // Five pointers each: name, prefix, URI, begin and end of the value.
      for (int i = 0; i < count && !xml.failed_; ++i) {
        const char* begin = chars(attributes[5 * i + 3]);
        const char* end = chars(attributes[5 * i + 4]);
        xml.attributes_.emplace_back(begin, static_cast<std::size_t>(end - begin));
        xml.count();
      }
    });
  }

  static void end(void* context, const xmlChar* /*name*/, const xmlChar* /*prefix*/,
                  const xmlChar* /*uri*/) {
    guarded(context, [](XmlText& xml) {
      xml.end_piece();
      xml.leave();
    });
  }

  static void characters(void* context, const xmlChar* text, int size) {
    guarded(context,
            [&](XmlText& xml) { xml.text_.append(chars(text), static_cast<std::size_t>(size)); });
  }

  static void subset(void* context, const xmlChar* /*name*/, const xmlChar* /*id*/,
                     const xmlChar* /*system*/) {
    XmlText& xml = self(context);
    const auto* parser = xml.parser_.get();
    xml.has_declarations_ = *parser->input->cur == '[';
    if (xml.takes_doctype_ && !xml.has_declarations_) return;
    xml.error_ = "a document type declaration";
    xml.stop();
  }

  static void error(void* context, const xmlError* /*error*/) {
    XmlText& xml = self(context);
    if (!xml.failed_) xml.error_ = "not well-formed";
    xml.failed_ = true;
  }
};

void XmlText::Free::operator()(_xmlParserCtxt* parser) const noexcept {
  // libxml2 makes one for the entities that a document declares, whatever is asked for.
  xmlFreeDoc(parser->myDoc);
  xmlFreeParserCtxt(parser);
}

// Of a call by libxml2: nothing more is read, and what it has passed is gone.
void XmlText::stop() {
  failed_ = true;
  xmlStopParser(parser_.get());
}

void XmlText::count() {
  if (left_ > 0) {
    --left_;
  } else {
    has_too_many_ = true;
    stop();
  }
}

// libxml2 looks through all of them for each name.
void XmlText::enter(std::size_t namespaces) {
  constexpr std::size_t kMost = 1000;
  namespaces_.push_back(namespaces);
  all_namespaces_ += namespaces;
  if (all_namespaces_ <= kMost) return;
  has_too_many_ = true;
  stop();
}

void XmlText::leave() {
  if (namespaces_.empty()) return;
  all_namespaces_ -= namespaces_.back();
  namespaces_.pop_back();
}

// libxml2 compares each attribute of a tag with all others before it tells of any.
bool XmlText::has_long_tag() {
  const xmlParserInput& input = *parser_->input;
  const auto pending = static_cast<std::size_t>(input.end - input.cur);
  const bool goes_on = pending >= pending_;
  if (!goes_on) equals_ = 0;
  const std::size_t fresh = goes_on ? pending - pending_ : pending;
  equals_ += static_cast<std::size_t>(std::count(input.end - fresh, input.end, '='));
  pending_ = pending;
  return equals_ > most_;
}

void XmlText::end_piece() {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::string_view piece = std::string_view(text_).substr(ended_);
  if (piece.find_first_not_of(kSpaces) != std::string_view::npos) {
    count();
    pieces_.push_back({ended_, piece.size()});
  }
  ended_ = text_.size();
}

bool XmlText::parse(std::string_view document, std::size_t most, bool takes_doctype) {
  left_ = most_ = most;
  takes_doctype_ = takes_doctype;
  if (document.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    error_ = "too large";
    return false;
  }
  // Of its own accord libxml2 makes only a part of what release() gives back, and then keeps that.
  xmlInitParser();
  xmlSAXHandler sax{};
  sax.initialized = XML_SAX2_MAGIC;
  sax.startElementNs = &XmlHandlers::start;
  sax.endElementNs = &XmlHandlers::end;
  sax.characters = &XmlHandlers::characters;
  sax.ignorableWhitespace = &XmlHandlers::characters;
  sax.cdataBlock = &XmlHandlers::characters;
  sax.internalSubset = &XmlHandlers::subset;
  sax.serror = reinterpret_cast<xmlStructuredErrorFunc>(&XmlHandlers::error);
  parser_.reset(xmlCreatePushParserCtxt(&sax, this, nullptr, 0, nullptr));
  if (parser_ == nullptr) {
    error_ = "out of memory";
    return false;
  }
  xmlCtxtUseOptions(parser_.get(), XML_PARSE_NONET);
  // In pieces, so that a document with a declaration is not read on.
  constexpr std::size_t kPiece = 16U << 10;
  for (std::size_t at = 0; at < document.size() && !failed_; at += kPiece) {
    const std::string_view piece = document.substr(at, kPiece);
    xmlParseChunk(parser_.get(), piece.data(), static_cast<int>(piece.size()), 0);
    if (!failed_ && has_long_tag()) failed_ = has_too_many_ = true;
  }
  if (!failed_) xmlParseChunk(parser_.get(), nullptr, 0, 1);
  if (!failed_ && parser_->wellFormed != 1) {
    failed_ = true;
    error_ = "not well-formed";
  }
  return !failed_;
}

void XmlText::release() noexcept {
  xmlCleanupParser();
}

}  // namespace guard::inspect
