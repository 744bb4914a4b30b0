// One form as it comes: counts, sizes, names, and whether declared type, extension and content of
// each file agree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/multipart.h"
#include "upload/archive.h"
#include "upload/codes.h"
#include "upload/digest.h"
#include "upload/file_facts.h"
#include "upload/magic.h"
#include "upload/policy.h"
#include "upload/script_search.h"
#include "upload/zip_end.h"

namespace guard::upload {

// 20 KiB, and one more for each file.
class Upload final : private core::MultipartSink {
 public:
  // All three must outlive the upload.
  Upload(const Policy& policy, std::string_view boundary, Magic& magic) noexcept;
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();

  // False: verdict() refuses; nothing more need be fed.
  bool feed(std::string_view bytes) noexcept;
  bool finish() noexcept;

  // The views hold as long as the upload.
  const Verdict& verdict() const noexcept { return verdict_; }
  std::uint32_t files() const noexcept { return files_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }  // of all files, as far as read
  // Those with a name, in their order; the first of them, or null.
  FileFacts* facts() const noexcept { return first_; }
  // The one that the verdict is about; null: none.
  const FileFacts* refused_file() const noexcept { return verdict_.refused() ? file_ : nullptr; }

 private:
  bool begin(const core::MultipartPart& part) noexcept override;
  bool data(std::string_view bytes) noexcept override;
  bool end() noexcept override;

  bool refuse(Fault fault, std::string_view keyword, std::string_view detail) noexcept;
  bool refuse_form() noexcept;
  bool begin_file(const core::MultipartPart& part) noexcept;
  bool note_file(const core::MultipartPart& part) noexcept;
  bool judge_type() noexcept;
  bool take(std::string_view bytes) noexcept;
  bool look_at(std::string_view bytes) noexcept;
  bool refuse_script() noexcept;
  bool refuse_polyglot() noexcept;
  bool fits_unpacked() noexcept;

  const Policy& policy_;
  Magic& magic_;
  core::MultipartParser parser_;
  Verdict verdict_;
  std::uint32_t files_ = 0;
  std::uint32_t fields_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t size_ = 0;  // of the field that is being read
  FileFacts* first_ = nullptr;
  FileFacts* last_ = nullptr;
  FileFacts* file_ = nullptr;  // that is being read
  Digest digest_;
  Archive archive_;
  ScriptSearch scripts_;
  ZipEnd zip_end_;
  bool searching_ = false;  // it must hold no script
  bool single_ = false;     // nor be an archive or a PDF as well
  bool unnamed_ = false;    // a file input that nobody has filled in
  bool judging_ = false;    // its type is still to be seen in its head
  std::size_t type_ = 0;    // which it is declared to be
  std::size_t head_size_ = 0;
  std::array<char, Magic::kHead> head_;
};

}  // namespace guard::upload
