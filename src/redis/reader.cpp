#include "redis/reader.h"

namespace guard::redis {

namespace {

using Functions = redisReplyObjectFunctions;

// hiredis allocates as many elements as an array says that it has. Its count is an int in 0.14 and
// a size_t since 1.0.
template <class Count>
using CreateArray = void* (*)(const redisReadTask*, Count);

template <class Count>
struct Bounded {
  static inline CreateArray<Count> native = nullptr;
  static void* create(const redisReadTask* task, Count count) noexcept {
    if (static_cast<unsigned long long>(count) > Reader::kMostElements) return nullptr;
    return native(task, count);
  }
};

template <class Count>
void bound(CreateArray<Count>& create) noexcept {
  Bounded<Count>::native = create;
  create = Bounded<Count>::create;
}

Functions* bounded_functions(const Functions& native) noexcept {
  static Functions functions = [&native] {
    Functions own = native;
    bound(own.createArray);
    return own;
  }();
  return &functions;
}

}  // namespace

bool Reader::start() noexcept {
  bytes_ = 0;
  reader_.reset(redisReaderCreate());
  if (reader_ == nullptr) return false;
  reader_->fn = bounded_functions(*reader_->fn);
  return true;
}

bool Reader::feed(std::string_view bytes) noexcept {
  bytes_ += bytes.size();
  return redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

}  // namespace guard::redis
