#include "redis/reader.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace guard::redis {

// What hiredis's parser calls to build a reply: in the reader's memory instead of pieces of the
// heap's. A null pointer makes it stop, as if there were no memory.
struct Reader::Functions {
  using Kind = Element::Kind;

  template <class T>
  static T* take(const redisReadTask* task, std::size_t count) noexcept {
    std::pmr::memory_resource* memory = &static_cast<Reader*>(task->privdata)->memory_;
    try {
      return std::pmr::polymorphic_allocator<T>(memory).allocate(count);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  static Element* create(const redisReadTask* task, Kind kind) noexcept {
    auto* memory = take<Element>(task, 1);
    if (memory == nullptr) return nullptr;
    auto* element = new (memory) Element;
    element->kind = kind;
    if (task->parent != nullptr) {
      static_cast<Element*>(task->parent->obj)->elements[task->idx] = element;
    }
    return element;
  }

  static void* text(const redisReadTask* task, char* bytes, std::size_t size) noexcept {
    auto* copy = take<char>(task, size);
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, bytes, size);
    Element* made = create(task, task->type == REDIS_REPLY_ERROR ? Kind::error : Kind::text);
    if (made == nullptr) return nullptr;
    made->text = copy;
    made->size = size;
    return made;
  }

  // The parser has room made for as many elements as an array says that it has. Its count is an int
  // in hiredis 0.14 and a size_t since 1.0.
  template <class Count>
  static void* array(const redisReadTask* task, Count count) noexcept {
    const auto size = static_cast<unsigned long long>(count);
    // An element has three bytes at least.
    auto& reader = *static_cast<Reader*>(task->privdata);
    const std::size_t most = reader.most_bytes_ / 3 - reader.elements_;
    if (size > kMostElements || size > most) return nullptr;
    reader.elements_ += size;
    auto** elements = take<Element*>(task, size);
    if (elements == nullptr) return nullptr;
    std::fill_n(elements, size, nullptr);
    Element* made = create(task, Kind::array);
    if (made == nullptr) return nullptr;
    made->elements = elements;
    made->size = size;
    return made;
  }

  static void* integer(const redisReadTask* task, long long value) noexcept {
    Element* made = create(task, Kind::integer);
    if (made != nullptr) made->integer = value;
    return made;
  }

  static void* null(const redisReadTask* task) noexcept { return create(task, Kind::null); }

  // Of RESP3, which is not asked for.
  template <class... Values>
  static void* foreign(const redisReadTask*, Values...) noexcept {
    return nullptr;
  }

  static void keep(void*) noexcept {}

  template <class Native>
  static Native* all() noexcept {
    static Native functions = [] {
      Native made{};
      made.createString = text;
      made.createArray = array;
      made.createInteger = integer;
      made.createNil = null;
      made.freeObject = keep;
      if constexpr (requires { made.createDouble; }) made.createDouble = foreign;
      if constexpr (requires { made.createBool; }) made.createBool = foreign;
      return made;
    }();
    return &functions;
  }
};

bool Reader::start() noexcept {
  bytes_ = 0;
  whole_ = true;  // of what the last connection has left
  reader_.reset(redisReaderCreateWithFunctions(Functions::all<redisReplyObjectFunctions>()));
  if (reader_ == nullptr) return false;
  reader_->privdata = this;
  return true;
}

bool Reader::feed(std::string_view bytes) noexcept {
  bytes_ += bytes.size();
  return redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) == REDIS_OK;
}

}  // namespace guard::redis
