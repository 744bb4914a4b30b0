#include "upload/upload.h"

#include <algorithm>
#include <cstring>

#include "upload/file_name.h"

namespace guard::upload {

Upload::Upload(const Policy& policy, std::string_view boundary, Magic* magic) noexcept
    : policy_(policy), magic_(magic), parser_(boundary, policy.max_files + policy.max_fields + 1) {}

bool Upload::refuse(Fault fault, std::string_view keyword, std::string_view detail) noexcept {
  verdict_ = {fault, detail, keyword, parser_.part().name};
  return false;
}

bool Upload::refuse_form() noexcept {
  refuse(Fault::multipart, name_of(parser_.fault()), explain(parser_.fault()));
  // It is behind all parts.
  if (parser_.fault() == core::MultipartFault::epilogue) verdict_.part = {};
  return false;
}

bool Upload::feed(std::string_view bytes) noexcept {
  if (verdict_.refused()) return false;
  if (parser_.feed(bytes, *this)) return true;
  return verdict_.refused() ? false : refuse_form();
}

bool Upload::finish() noexcept {
  if (verdict_.refused()) return false;
  return parser_.finish() || refuse_form();
}

bool Upload::begin(const core::MultipartPart& part) noexcept {
  size_ = head_size_ = 0;
  unnamed_ = judging_ = false;
  if (part.is_file()) return begin_file(part);
  if (++fields_ <= policy_.max_fields) return true;
  return refuse(Fault::count, "max_fields", "the form has more fields than it may have");
}

bool Upload::begin_file(const core::MultipartPart& part) noexcept {
  if (part.filename->empty()) {
    unnamed_ = true;
    if (++fields_ <= policy_.max_fields) return true;
    return refuse(Fault::count, "max_fields", "the form has more fields than it may have");
  }
  if (++files_ > policy_.max_files) {
    return refuse(Fault::count, "max_files", "the form has more files than it may have");
  }
  if (policy_.names == Names::strict) {
    const NameRule rule = check_name(*part.filename);
    if (!rule.keyword.empty()) return refuse(Fault::name, rule.keyword, rule.detail);
  }
  if (policy_.types == 0) return true;
  // RFC 7578, section 4.4
  constexpr std::string_view kDefault = "text/plain";
  const auto type = declared_type(policy_.types, part.type.empty() ? kDefault : part.type);
  if (!type) return refuse(Fault::type, "declared", "the type of a file is not allowed");
  type_ = *type;
  const Extension extension(*part.filename);
  if (!has_extension(file_types()[type_], extension.text())) {
    return refuse(Fault::type, "extension", "the extension of a file is not one of its type");
  }
  judging_ = true;
  return true;
}

bool Upload::judge_type() noexcept {
  judging_ = false;
  const std::string_view detected = magic_->type_of({head_.data(), head_size_});
  if (is_detected(file_types()[type_], detected)) return true;
  return refuse(Fault::type, "content", "the content of a file is not of its type");
}

bool Upload::data(std::string_view bytes) noexcept {
  size_ += bytes.size();
  if (unnamed_) return refuse(Fault::name, "missing", "a file has no name");
  if (!parser_.part().is_file()) {
    return size_ <= policy_.max_field ||
           refuse(Fault::size, "max_field", "a field is larger than it may be");
  }
  file_bytes_ += bytes.size();
  if (size_ > policy_.max_file) {
    return refuse(Fault::size, "max_file", "a file is larger than it may be");
  }
  if (!judging_) return true;
  const std::size_t piece = std::min(bytes.size(), head_.size() - head_size_);
  std::memcpy(head_.data() + head_size_, bytes.data(), piece);
  head_size_ += piece;
  return head_size_ < head_.size() || judge_type();
}

bool Upload::end() noexcept {
  return !judging_ || judge_type();
}

}  // namespace guard::upload
