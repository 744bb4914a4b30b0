// Where what Inspection::keep() leaves for an answer's phases lies while a test runs.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "inspect/inspection.h"

class KeptMemory {
 public:
  const guard::inspect::KeptState* keep(const guard::inspect::Inspection& inspection) {
    return inspection.keep(
        [](void* blocks, std::size_t size) -> void* {
          return static_cast<Blocks*>(blocks)->emplace_back(new char[size]).get();
        },
        &blocks_);
  }

 private:
  using Blocks = std::vector<std::unique_ptr<char[]>>;
  Blocks blocks_;
};
