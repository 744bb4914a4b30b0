// An XML document's text and its attributes' values, read by libxml2 without entities, DTDs or
// anything from outside the document.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guard::inspect {

class XmlText {
 public:
  // False: not well-formed, or one of what is refused here: error() says which.
  bool parse(std::string_view document);

  const std::string& text() const { return text_; }
  const std::vector<std::string>& attributes() const { return attributes_; }
  // A literal of ours.
  std::string_view error() const { return error_; }

  // Gives back what libxml2 keeps for all documents of a process, which nobody could once the
  // module file is unloaded. At the end: no document is read after that.
  static void release() noexcept;

 private:
  friend struct XmlHandlers;
  std::string text_;
  std::vector<std::string> attributes_;
  std::string_view error_;
  bool failed_ = false;
};

}  // namespace guard::inspect
