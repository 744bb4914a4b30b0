#include "upload/upload.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "upload/file_name.h"

namespace guard::upload {

Upload::Upload(const Policy& policy, std::string_view boundary, Magic& magic) noexcept
    : policy_(policy), magic_(magic), parser_(boundary, policy.max_files + policy.max_fields + 1) {}

Upload::~Upload() {
  while (first_ != nullptr) {
    const FileFacts* file = first_;
    first_ = file->next;
    delete file;
  }
}

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
  file_ = nullptr;
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
  if (!note_file(part)) {
    return refuse(Fault::multipart, "unread", "the form could not be read");
  }
  if (policy_.names == Names::strict) {
    const NameRule rule = check_name(*part.filename);
    if (!rule.keyword.empty()) return refuse(Fault::name, rule.keyword, rule.detail);
  }
  digest_.begin();
  archive_.begin();
  scripts_.begin();
  zip_end_.begin();
  searching_ = single_ = false;
  judging_ = true;
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
  searching_ = policy_.contents == Contents::strict && holds_no_script(file_types()[type_]);
  single_ = searching_ && holds_no_file(file_types()[type_]);
  return true;
}

bool Upload::note_file(const core::MultipartPart& part) noexcept {
  file_ = new (std::nothrow) FileFacts;
  if (file_ == nullptr) return false;
  (last_ == nullptr ? first_ : last_->next) = file_;
  last_ = file_;
  file_->name.keep(*part.filename);
  file_->field.keep(part.name);
  file_->declared_type.keep(part.type);
  file_->offset = parser_.offset();
  return true;
}

bool Upload::judge_type() noexcept {
  judging_ = false;
  const std::string_view head(head_.data(), head_size_);
  const std::string_view detected = magic_.type_of(head);
  file_->detected_type.keep(detected);
  if (policy_.types == 0) return true;
  const FileType& type = file_types()[type_];
  // Of an empty file libmagic says nothing but that; it is an empty text, and nothing else.
  if (head.empty() && is_text(type)) return true;
  const bool cut = head.size() == head_.size();
  if (is_detected(type, detected) || (cut && is_begun(type, detected, head))) {
    if (searching_ && opens_comment(head)) return refuse_script();
    return !single_ || !begins_pdf(head) || refuse_polyglot();
  }
  return refuse(Fault::type, "content", "the content of a file is not of its type");
}

bool Upload::refuse_script() noexcept {
  return refuse(Fault::type, "script", "a file that must hold none has a page or a script in it");
}

bool Upload::refuse_polyglot() noexcept {
  return refuse(Fault::type, "polyglot",
                "a file that must be one thing is an archive or a PDF too");
}

// What small archives say does no harm.
bool Upload::fits_unpacked() noexcept {
  constexpr std::uint64_t kSmall = 16ULL << 20;
  std::uint64_t declared = archive_.declared();
  if (zip_end_.found()) declared = std::max(declared, archive_.declared_behind());
  if (declared <= kSmall || declared / policy_.max_ratio < file_->size) return true;
  return refuse(Fault::size, "max_ratio", "an archive would unpack to more than it may");
}

bool Upload::look_at(std::string_view bytes) noexcept {
  archive_.add(bytes);
  zip_end_.add(bytes);
  return !searching_ || !scripts_.add(bytes) || refuse_script();
}

// Byte by byte or all at once, the same is found first.
bool Upload::take(std::string_view bytes) noexcept {
  file_->size += bytes.size();
  digest_.add(bytes);
  if (judging_) {
    const std::string_view piece = bytes.substr(0, head_.size() - head_size_);
    std::memcpy(head_.data() + head_size_, piece.data(), piece.size());
    head_size_ += piece.size();
    if (!look_at(piece) || (head_size_ == head_.size() && !judge_type())) return false;
    bytes.remove_prefix(piece.size());
  }
  return look_at(bytes);
}

bool Upload::data(std::string_view bytes) noexcept {
  if (unnamed_) return refuse(Fault::name, "missing", "a file has no name");
  if (!parser_.part().is_file()) {
    size_ += bytes.size();
    return size_ <= policy_.max_field ||
           refuse(Fault::size, "max_field", "a field is larger than it may be");
  }
  const std::uint64_t room = policy_.max_file - file_->size;
  file_bytes_ += std::min<std::uint64_t>(bytes.size(), room);
  if (!take(bytes.substr(0, room))) return false;
  return bytes.size() <= room || refuse(Fault::size, "max_file", "a file is larger than it may be");
}

bool Upload::end() noexcept {
  if (file_ == nullptr) return true;
  file_->whole = true;
  file_->hashed = digest_.finish(file_->sha256);
  if (judging_ && !judge_type()) return false;
  if (searching_ && scripts_.finish()) return refuse_script();
  if (single_ && zip_end_.found()) return refuse_polyglot();
  if (!fits_unpacked()) return false;
  file_ = nullptr;
  return true;
}

}  // namespace guard::upload
