// The header fields of a request or an answer. nginx keeps them in a list of arrays, of which an
// array may be empty; a field of an answer that was taken back stays there with a hash of 0.
#pragma once

#include <iterator>
#include <string_view>

#include "core/ascii.h"
#include "ngx/strings.h"

namespace guard::ngx {

// for (const ngx_table_elt_t& field : Fields(r->headers_in.headers)): all there are, those of an
// answer that were taken back among them.
template <class Field>
class FieldRange {
 public:
  class Iterator {
   public:
    explicit Iterator(const ngx_list_part_t* part) noexcept : part_(part) { settle(); }
    Field& operator*() const noexcept { return *field_; }
    Iterator& operator++() noexcept {
      ++field_;
      if (++at_ < part_->nelts) return *this;
      part_ = part_->next;
      settle();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const noexcept { return part_ == nullptr; }

   private:
    // To the first field of part_, or of the next one that has some.
    void settle() noexcept {
      while (part_ != nullptr && part_->nelts == 0) part_ = part_->next;
      if (part_ == nullptr) return;
      field_ = static_cast<Field*>(part_->elts);
      at_ = 0;
    }

    const ngx_list_part_t* part_;
    Field* field_ = nullptr;
    ngx_uint_t at_ = 0;
  };

  explicit FieldRange(const ngx_list_t& list) noexcept : list_(list) {}
  Iterator begin() const noexcept { return Iterator(&list_.part); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  const ngx_list_t& list_;
};

inline FieldRange<const ngx_table_elt_t> request_fields(const ngx_http_request_t* r) noexcept {
  return FieldRange<const ngx_table_elt_t>(r->headers_in.headers);
}

inline FieldRange<ngx_table_elt_t> response_fields(ngx_http_request_t* r) noexcept {
  return FieldRange<ngx_table_elt_t>(r->headers_out.headers);
}

// Names compare without case.
inline bool is_named(const ngx_table_elt_t& field, std::string_view name) noexcept {
  return core::equal_without_case(to_view(field.key), name);
}

// The first field of that name; null: there is none.
inline const ngx_table_elt_t* find_request_field(const ngx_http_request_t* r,
                                                 std::string_view name) noexcept {
  for (const ngx_table_elt_t& field : request_fields(r)) {
    if (is_named(field, name)) return &field;
  }
  return nullptr;
}

// Its value; empty: there is none.
inline std::string_view request_field(const ngx_http_request_t* r, std::string_view name) noexcept {
  const ngx_table_elt_t* field = find_request_field(r, name);
  return field == nullptr ? std::string_view{} : to_view(field->value);
}

inline bool has_response_field(ngx_http_request_t* r, std::string_view name) noexcept {
  for (const ngx_table_elt_t& field : response_fields(r)) {
    if (field.hash != 0 && is_named(field, name)) return true;
  }
  return false;
}

// name and value must last as long as the answer. Null: out of memory.
inline ngx_table_elt_t* add_response_field(ngx_http_request_t* r, std::string_view name,
                                           std::string_view value) noexcept {
  auto* field = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (field == nullptr) return nullptr;
  *field = {};
  field->hash = 1;
  field->key = borrow(name);
  field->value = borrow(value);
  return field;
}

// To nginx any hash but 0 is the same. This one, which no name has, is that of the fields that
// header stages add.
inline constexpr ngx_uint_t kStageHash = 2;

// As add_response_field, in a header stage.
inline void add_stage_field(ngx_http_request_t* r, std::string_view name,
                            std::string_view value) noexcept {
  if (ngx_table_elt_t* field = add_response_field(r, name, value)) field->hash = kStageHash;
}

}  // namespace guard::ngx
