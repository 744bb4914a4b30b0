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
constexpr char kSequence = 'F';       // what the table says of a sequence, which begins with '0'
constexpr std::size_t kLongest = 31;  // bytes of a token that it looks up

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

// With a quote in it a text is read as if it began inside one, too; and of what the others may
// begin or be, a comment that is run and a name of no length, one anywhere is reported.
constexpr Traits kBeginsAnew = trait::of_marks("'\"`\\{*");

constexpr Traits kMarkTraits = (Traits{1} << kMarks.size()) - 1;
constexpr Traits kPairTraits = trait::of_marks("-/&|");

// May this be in the table? Nothing else is asked about, which would take long.
bool is_table_text(std::string_view text, std::size_t most_types) {
  if (text.front() == '0') return text.size() >= 2 && text.size() <= most_types + 1;
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
  tokens_.assign(kSlots, {});
  word_count_ = 0;
  sequences_.clear();
  exact_.clear();
  two_words_ = false;
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
        if (!is_table_text(text, kMostTypes)) continue;
        const char type = lookup(nullptr, kLookupWord, text.data(), text.size());
        if (type == '\0') continue;
        if (type == kSequence) {
          ++sequences;
          add_sequence(text.substr(1));
        } else {
          ++words;
          full = full || !add_text(text, types_of({&type, 1}), true);
        }
      }
    }
  });
  for (const Other& other : kOthers) full = full || !add_text(other.word, other.types, false);
  // Texts of what is most common, as far as that goes without making a sequence.
  plain_ = 0;
  for (const char type : std::string_view("n1o.,:?{};v)(")) {
    const Types more = plain_ | types_of({&type, 1});
    if (!has_sequence(more)) plain_ = more;
  }
  complete_ = words >= kLeastWords && sequences >= kLeastSequences && !full;
  std::sort(exact_.begin(), exact_.end());
}

// Every piece of a text of the table says what the whole may be. own: what is one word is this type
// and no other, where it is a token. False: there is no room, or two of the table's words have one
// hash.
bool SqliWords::add_text(std::string_view text, Types types, bool own) {
  const Types token = own ? types : kEverything;
  // IF is a statement elsewhere, and a word behind COLLATE is a type.
  if (text.starts_with("IF")) types |= types_of("T");
  if ((types & types_of("A")) != 0) types |= types_of("t");
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && fold(text[end]) != 0) ++end;
    std::uint32_t hash = 0;
    for (std::size_t k = end; k > i;) hash = step(hash, fold(text[--k]));
    if (end > i) {
      const std::size_t slot = add_word(hash, types);
      if (slot == kSlots) return false;
      if (i == 0 && end == text.size()) {
        Token& whole = tokens_[slot];
        if (!whole.text.empty() && whole.text != text) return false;
        whole.text = text;
        whole.types |= token;
      }
    }
    i = end + 1;
  }
  return true;
}

std::size_t SqliWords::add_word(std::uint32_t hash, Types types) {
  const std::size_t slot = find_word(hash);
  if (words_[slot].types == 0 && ++word_count_ > kSlots / 2) return kSlots;
  words_[slot].hash = hash;
  words_[slot].types |= types;
  return slot;
}

void SqliWords::add_sequence(std::string_view letters) {
  Sequence exact = 0;
  for (const char letter : letters) exact = with(exact, types_of({&letter, 1}, 0));
  exact_.push_back(exact);
  two_words_ = two_words_ || letters.starts_with("NN");
  const Types types = types_of(letters, 0);
  const auto holds = [types](Types other) { return (types & other) == other; };
  if (std::any_of(sequences_.begin(), sequences_.end(), holds)) return;
  std::erase_if(sequences_, [types](Types other) { return (types & other) == types; });
  sequences_.push_back(types);
}

SqliWords::Sequence SqliWords::with(Sequence sequence, Types type) noexcept {
  return sequence << kTypeBits | static_cast<Sequence>(std::countr_zero(type) + 1) % 32;
}

std::size_t SqliWords::find_word(std::uint32_t hash) const noexcept {
  std::size_t slot = slot_of(hash);
  while (words_[slot].types != 0 && words_[slot].hash != hash) slot = (slot + 1) % kSlots;
  return slot;
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
        if (number && !core::is_digit(c)) types |= words_[find_word(hash)].types;
      }
      if (!number) types |= words_[find_word(hash)].types;
    }
    begin = end;
  }
  return types;
}

bool SqliWords::has_sequence(Types types) const noexcept {
  return std::any_of(sequences_.begin(), sequences_.end(),
                     [types](Types one) { return (types & one) == one; });
}

SqliWords::Begun SqliWords::begin_word(std::string_view text) const noexcept {
  Begun begun;
  // A byte beyond ASCII is one of a word, but for 0xa0, which is a space; no word of the table has
  // one.
  bool ascii = true;
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const auto byte = static_cast<unsigned char>(text[end]);
    if (byte >= 0x80 && byte != 0xa0) {
      ascii = false;
    } else if (fold(text[end]) == 0) {
      break;
    }
  }
  const bool ends = end == text.size() || text[end] == ' ' || text[end] == ',';
  if (end == 0 || end > kLongest || !ends || core::is_digit(text.front())) return begun;
  begun.size = end;
  begun.own = types_of("n");
  if (!ascii) return begun;
  std::uint32_t hash = 0;
  for (std::size_t k = end; k > 0;) hash = step(hash, fold(text[--k]));
  const std::size_t slot = find_word(hash);
  begun.listed = words_[slot].types != 0;
  const Token& whole = tokens_[slot];
  if (begun.listed && core::equal_without_case(text.substr(0, end), whole.text)) {
    begun.own = std::has_single_bit(whole.types) ? whole.types : 0;
  }
  return begun;
}

// Whether the sequence is known, and none of the table's. Of the rules by which tokens become
// fewer, or something else, only these are about words and commas: two words may be one of the
// table, "n,n" is "n", and "&", anything, "&" is "&". One token behind the last that counts may be
// a part of either. What the rules do with types that are not in kSimple is not gone into; T is two
// of them.
bool SqliWords::begins_harmlessly(std::string_view text, Traits traits) const noexcept {
  constexpr Types kWord = types_of("n");
  constexpr Types kComma = types_of(",");
  constexpr Types kLogic = types_of("&");
  constexpr Types kSimple = types_of("nkUEBf&");
  if (exact_.empty() || (traits & kBeginsAnew) != 0) return false;
  struct Read {
    Types type = 0;
    bool listed = false;
  };
  std::array<Read, kMostTypes + 1> tokens{};
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size() && size < tokens.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    Read next{kComma};
    std::size_t length = 1;
    if (text[at] != ',') {
      const Begun word = begin_word(text.substr(at));
      length = word.size;
      next = {word.own, word.listed};
    }
    const Types before = size >= 2 ? tokens[size - 2].type : 0;
    if (length == 0) {
      const Read& last = tokens[kMostTypes - 1];
      if (size < kMostTypes || last.listed || last.type == kComma || before == kLogic) return false;
      break;
    }
    if ((next.type & (kSimple | kComma)) == 0) return false;
    if (size > 0 && tokens[size - 1].listed && next.listed) return false;
    if (next.type == kLogic && before == kLogic) return false;
    if (next.type == kWord && before == kWord && tokens[size - 1].type == kComma) {
      --size;
    } else {
      tokens[size++] = next;
      // No sequence begins with two plain words.
      if (size == 2 && tokens[0].type == kWord && next.type == kWord && !two_words_) return true;
    }
    at += length;
  }
  Sequence sequence = 0;
  for (std::size_t i = 0; i < std::min(size, kMostTypes); ++i) {
    sequence = with(sequence, tokens[i].type);
  }
  return !std::binary_search(exact_.begin(), exact_.end(), sequence);
}

bool SqliWords::may_report(std::string_view text, Traits traits) const noexcept {
  if (!complete_) return true;
  if (begins_harmlessly(text, traits)) return false;
  Types types = types_of_marks(text, traits);
  if ((types & ~plain_) != 0 && has_sequence(types)) return true;
  types |= types_of_words(text);
  return (types & ~plain_) != 0 && has_sequence(types);
}

}  // namespace guard::inspect
