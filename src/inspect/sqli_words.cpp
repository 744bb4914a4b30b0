#include "inspect/sqli_words.h"

#include <link.h>

#include <algorithm>
#include <bit>

#include "core/ascii.h"

namespace guard::inspect {

namespace {

// Cases of types do not count: in libinjection's table they do not, either.
constexpr std::string_view kTypes = R"(N1VSO&C(){}.,:;?KUBETFAX\)";
constexpr std::uint32_t kEverything = ~std::uint32_t{0};

constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// unknown: what types that are none of them stand for.
constexpr std::uint32_t types_of(std::string_view types, std::uint32_t unknown = kEverything) {
  std::uint32_t set = 0;
  for (const char type : types) {
    const std::size_t at = kTypes.find(to_upper(type));
    set |= at == std::string_view::npos ? unknown : std::uint32_t{1} << at;
  }
  return set;
}

constexpr int kLookupWord = 1;
constexpr char kSequence = 'F';        // what the table says of a sequence, which begins with '0'
constexpr std::size_t kLongest = 31;   // bytes of a token that it looks up
constexpr std::size_t kMostTypes = 5;  // of a sequence

// So many there are at least, if the table is what it is taken for.
constexpr std::size_t kLeastWords = 800;
constexpr std::size_t kLeastSequences = 8000;

// What of a word may be a part of one in the table: the others stand between such pieces. Upper
// case; 0: no such byte.
constexpr std::array<char, 256> make_folds() {
  std::array<char, 256> folds{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (core::is_letter(c) || core::is_digit(c) || c == '_') folds[byte] = to_upper(c);
  }
  return folds;
}

constexpr std::array<char, 256> kFolds = make_folds();

constexpr char fold(char c) {
  return kFolds[static_cast<unsigned char>(c)];
}

// What tokens a mark may be, or be a part of, if there is no other than itself next to it. Words
// and numbers may be everywhere.
struct Mark {
  char mark;
  std::uint32_t types;
};

constexpr std::array<Mark, 33> kMarks = {{
    {' ', 0},
    {'!', types_of("o")},
    {'"', kEverything},
    {'#', types_of("oc")},
    {'$', types_of("n1s")},
    {'%', types_of("o")},
    {'&', types_of("o")},
    {'\'', kEverything},
    {'(', types_of("(")},
    {')', types_of(")")},
    {'*', types_of("o")},
    {'+', types_of("o")},
    {',', types_of(",")},
    {'-', types_of("o")},
    {'.', types_of(".n")},
    {'/', types_of("o")},
    {':', types_of(":o")},
    {';', types_of(";")},
    {'<', types_of("o")},
    {'=', types_of("o")},
    {'>', types_of("o")},
    {'?', types_of("?")},
    {'@', types_of("v")},
    {'[', types_of("n")},
    {'\\', kEverything},
    {']', types_of("?")},
    {'^', types_of("o")},
    {'_', 0},
    {'`', kEverything},
    {'{', types_of("{")},
    {'|', types_of("o")},
    {'}', types_of("}")},
    {'~', types_of("o")},
}};

// And what two of them are, next to each other.
struct Pair {
  std::string_view marks;
  std::uint32_t types;
};

constexpr std::array<Pair, 4> kPairs = {{
    {"--", types_of("c")},
    {"/*", kEverything},
    {"&&", types_of("&")},
    {"||", types_of("&")},
}};

// Words that are taken for something else where they stand before others.
struct Other {
  std::string_view word;
  std::uint32_t types;
};

constexpr std::array<Other, 13> kOthers = {{
    {"IN", types_of("no")},
    {"LIKE", types_of("f")},
    {"USER_ID", types_of("nf")},
    {"USER_NAME", types_of("nf")},
    {"DATABASE", types_of("nf")},
    {"PASSWORD", types_of("nf")},
    {"USER", types_of("nf")},
    {"CURRENT_USER", types_of("nf")},
    {"CURRENT_DATE", types_of("nf")},
    {"CURRENT_TIME", types_of("nf")},
    {"CURRENT_TIMESTAMP", types_of("nf")},
    {"LOCALTIME", types_of("nf")},
    {"LOCALTIMESTAMP", types_of("nf")},
}};

constexpr Traits kMarkTraits = (Traits{1} << kMarks.size()) - 1;
constexpr Traits kPairTraits = trait::of_marks("-/&|");

// May this be in the table? Nothing else is asked about, which would take long.
bool is_table_text(std::string_view text) {
  if (text.front() == '0') return text.size() >= 2 && text.size() <= kMostTypes + 1;
  const auto is_plain = [](char c) { return fold(c) == c || c == '.' || c == ' '; };
  if (fold(text.front()) != 0) return std::all_of(text.begin(), text.end(), is_plain);
  return text.size() == 2;
}

// Calls each with the parts of the memory that an object has and nobody writes to.
template <class Each>
void each_constant(const void* inside, Each each) {
  struct Search {
    const char* inside;
    std::uintptr_t address;
    Each* each;
  } search{static_cast<const char*>(inside), reinterpret_cast<std::uintptr_t>(inside), &each};
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t /*size*/, void* data) {
        const auto& wanted = *static_cast<const Search*>(data);
        const auto segments = [&](auto call) {
          for (int i = 0; i < object->dlpi_phnum; ++i) {
            const ElfW(Phdr)& one = object->dlpi_phdr[i];
            if (one.p_type == PT_LOAD) call(one, object->dlpi_addr + one.p_vaddr);
          }
        };
        bool found = false;
        segments([&](const ElfW(Phdr) & one, std::uintptr_t at) {
          found = found || (wanted.address >= at && wanted.address - at < one.p_filesz);
        });
        if (!found) return 0;
        segments([&](const ElfW(Phdr) & one, std::uintptr_t at) {
          if ((one.p_flags & PF_R) == 0 || (one.p_flags & PF_W) != 0) return;
          const auto from = static_cast<std::ptrdiff_t>(at - wanted.address);
          (*wanted.each)(std::string_view(wanted.inside + from, one.p_filesz));
        });
        return 1;
      },
      &search);
}

}  // namespace

std::uint32_t SqliWords::step(std::uint32_t hash, char c) noexcept {
  return (hash ^ static_cast<unsigned char>(c)) * 0x01000193U;
}

std::size_t SqliWords::slot_of(std::uint32_t hash) noexcept {
  return (hash ^ hash >> 15) % kSlots;
}

void SqliWords::read(Lookup lookup) {
  complete_ = false;
  words_.assign(kSlots, {});
  word_count_ = 0;
  sequences_.clear();
  std::size_t sequences = 0;
  std::size_t words = 0;
  bool full = false;
  each_constant(reinterpret_cast<const void*>(lookup), [&](std::string_view memory) {
    for (std::size_t end = memory.find('\0'); end != std::string_view::npos;
         end = memory.find('\0', end + 1)) {
      // The ends of texts, too: they may share memory with others.
      for (std::size_t at = end; at > 0 && end - at < kLongest;) {
        const char c = memory[--at];
        if (c < ' ' || c > '~' || to_upper(c) != c) break;
        const std::string_view text = memory.substr(at, end - at);
        if (!is_table_text(text)) continue;
        const char type = lookup(nullptr, kLookupWord, text.data(), text.size());
        if (type == '\0') continue;
        if (type == kSequence) {
          ++sequences;
          add_sequence(types_of(text.substr(1), 0));
        } else {
          ++words;
          full = full || !add_text(text, types_of({&type, 1}));
        }
      }
    }
  });
  for (const Other& other : kOthers) full = full || !add_text(other.word, other.types);
  // Texts of what is most common, as far as that goes without making a sequence.
  plain_ = 0;
  for (const char type : std::string_view("n1o.,:?{};v)(")) {
    const Types more = plain_ | types_of({&type, 1});
    if (!has_sequence(more)) plain_ = more;
  }
  complete_ = words >= kLeastWords && sequences >= kLeastSequences && !full;
}

// Every piece of a text of the table says what the whole may be. False: there is no room.
bool SqliWords::add_text(std::string_view text, Types types) {
  // IF is a statement elsewhere, and a word behind COLLATE is a type.
  if (text.starts_with("IF")) types |= types_of("T");
  if ((types & types_of("A")) != 0) types |= types_of("t");
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && fold(text[end]) != 0) ++end;
    std::uint32_t hash = 0;
    for (std::size_t k = end; k > i;) hash = step(hash, fold(text[--k]));
    if (end > i && !add_word(hash, types)) return false;
    i = end + 1;
  }
  return true;
}

bool SqliWords::add_word(std::uint32_t hash, Types types) {
  std::size_t slot = slot_of(hash);
  while (words_[slot].types != 0 && words_[slot].hash != hash) slot = (slot + 1) % kSlots;
  if (words_[slot].types == 0 && ++word_count_ > kSlots / 2) return false;
  words_[slot].hash = hash;
  words_[slot].types |= types;
  return true;
}

void SqliWords::add_sequence(Types types) {
  const auto holds = [types](Types other) { return (types & other) == other; };
  if (std::any_of(sequences_.begin(), sequences_.end(), holds)) return;
  std::erase_if(sequences_, [types](Types other) { return (types & other) == types; });
  sequences_.push_back(types);
}

SqliWords::Types SqliWords::types_of_hash(std::uint32_t hash) const noexcept {
  std::size_t slot = slot_of(hash);
  while (words_[slot].types != 0 && words_[slot].hash != hash) slot = (slot + 1) % kSlots;
  return words_[slot].types;
}

SqliWords::Types SqliWords::types_of_marks(std::string_view text, Traits traits) noexcept {
  Types types = types_of("n");
  if ((traits & (trait::kDigit | trait::kZero)) != 0) types |= types_of("1");
  for (Traits left = traits & kMarkTraits; left != 0; left &= left - 1) {
    types |= kMarks[static_cast<std::size_t>(std::countr_zero(left))].types;
  }
  if ((traits & kPairTraits) == 0) return types;
  for (const Pair& pair : kPairs) {
    const Traits both = trait::of_marks(pair.marks);
    if ((traits & both) != both || text.find(pair.marks) == std::string_view::npos) continue;
    types |= pair.types;
  }
  return types;
}

// A word begins behind what is none, or behind a number: "1e5union" is 1e5 and UNION.
SqliWords::Types SqliWords::types_of_words(std::string_view text) const noexcept {
  Types types = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && fold(text[end]) != 0) ++end;
    if (end == begin) {
      ++begin;
      continue;
    }
    const bool number = core::is_digit(text[begin]) ||
                        (begin >= 2 && text[begin - 1] == '.' && core::is_digit(text[begin - 2]));
    if (number || end - begin <= kLongest) {
      std::uint32_t hash = 0;
      const std::size_t first = end - begin <= kLongest ? begin : end - kLongest;
      for (std::size_t k = end; k > first;) {
        const char c = fold(text[--k]);
        hash = step(hash, c);
        if (number && !core::is_digit(c)) types |= types_of_hash(hash);
      }
      if (!number) types |= types_of_hash(hash);
    }
    begin = end;
  }
  return types;
}

bool SqliWords::has_sequence(Types types) const noexcept {
  return std::any_of(sequences_.begin(), sequences_.end(),
                     [types](Types one) { return (types & one) == one; });
}

bool SqliWords::may_report(std::string_view text, Traits traits) const noexcept {
  if (!complete_) return true;
  Types types = types_of_marks(text, traits);
  if ((types & ~plain_) != 0 && has_sequence(types)) return true;
  types |= types_of_words(text);
  return (types & ~plain_) != 0 && has_sequence(types);
}

}  // namespace guard::inspect
