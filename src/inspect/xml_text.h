// An XML document's text and its attributes' values, read by libxml2 without entities, DTDs or
// anything from outside the document.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct _xmlParserCtxt;

namespace guard::inspect {

class XmlText {
 public:
  // Of text(): what an element has before, between or behind others, if it is not white space.
  struct Piece {
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  // False: not well-formed, or one of what is refused here: error() says which. most: how many
  // attributes and pieces of text there may be; if there are more, or more namespaces at a time
  // than anybody uses, has_too_many() is true. takes_doctype: a document type declaration is passed
  // over unless it declares something itself.
  bool parse(std::string_view document, std::size_t most, bool takes_doctype = false);

  const std::string& text() const { return text_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::vector<std::string>& attributes() const { return attributes_; }
  // A literal of ours.
  std::string_view error() const { return error_; }
  bool has_too_many() const { return has_too_many_; }
  // It was not read on: what entities stand for is in none of its texts.
  bool has_declarations() const { return has_declarations_; }

  // Gives back what libxml2 keeps for all documents of a process, which nobody could once the
  // module file is unloaded. At the end: no document is read after that.
  static void release() noexcept;

 private:
  friend struct XmlHandlers;
  void count();
  void end_piece();
  void enter(std::size_t namespaces);
  void leave();
  bool has_long_tag();
  void stop();

  struct Free {
    void operator()(_xmlParserCtxt* parser) const noexcept;
  };
  std::unique_ptr<_xmlParserCtxt, Free> parser_;
  std::vector<std::size_t> namespaces_;  // of each element that is open
  std::size_t all_namespaces_ = 0;
  std::size_t pending_ = 0;  // bytes that have come and are not read yet, as UTF-8
  std::size_t equals_ = 0;   // signs in them
  std::size_t most_ = 0;

  std::string text_;
  std::vector<Piece> pieces_;
  std::size_t ended_ = 0;  // so much of the text is in pieces
  std::size_t left_ = 0;   // of attributes and pieces
  bool has_too_many_ = false;
  bool has_declarations_ = false;
  bool takes_doctype_ = false;
  std::vector<std::string> attributes_;
  std::string_view error_;
  bool failed_ = false;
};

}  // namespace guard::inspect
