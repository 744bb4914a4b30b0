// Shared memory that survives a reload. What is in it is plain data without pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ngx/compat.h"

namespace guard::ngx {

// One named zone of a configuration. A reload that keeps name, size and layout keeps the memory,
// and old and new workers share it; one that changes them gets new memory (the old workers keep the
// old one until they are gone), and a [notice] says what is lost.
class Zone {
 public:
  // Lays the memory out anew. Only called for memory that nobody else uses yet.
  using Format = void (*)(std::span<std::byte> memory, void* context) noexcept;
  // Takes over memory of an earlier configuration; false if it is damaged: the start then fails.
  using Adopt = bool (*)(std::span<std::byte> memory, void* context) noexcept;

  // Declares the zone; memory() is there once the configuration is in force. name is kept as it is;
  // size is the zone's whole size in bytes (nginx's own bookkeeping takes about 1%); layout is a
  // fingerprint of all that decides what the bytes mean. Configuration time: may throw.
  static Zone* add(ngx_conf_t* cf, std::string_view name, std::size_t size, std::uint64_t layout,
                   Format format, Adopt adopt, void* context);

  std::span<std::byte> memory() const { return memory_; }
  std::string_view name() const;

  // Used by add through pool_new.
  Zone(std::uint64_t layout, Format format, Adopt adopt, void* context)
      : layout_(layout), format_(format), adopt_(adopt), context_(context) {}

 private:
  static ngx_int_t init(ngx_shm_zone_t* zone, void* data) noexcept;

  ngx_shm_zone_t* zone_ = nullptr;
  std::uint64_t layout_;
  Format format_;
  Adopt adopt_;
  void* context_;
  std::span<std::byte> memory_;
};

}  // namespace guard::ngx
