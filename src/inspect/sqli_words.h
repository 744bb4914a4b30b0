// What libinjection cannot report, known without asking it. It reads a text as tokens, of which
// each has a type, and reports sequences of types that it has a table of. What no word and no mark
// of a text can be the type of is in no sequence; where what is left makes none of the table's,
// there is nothing to report.
//
// The types of words and the sequences are libinjection's own: its table is not exported, but its
// texts lie in the library's memory, and a function that is exported says which they are.
//
// Of a text that begins with words and commas, as most of what people write does, the sequence is
// known for certain: its first tokens by the rules of libinjection_sqli_fold() for such tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "inspect/byte_traits.h"

namespace guard::inspect {

class SqliWords {
 public:
  // Of libinjection 3.9.2: libinjection_sqli_lookup_word(nullptr, LOOKUP_WORD, text, size).
  using Lookup = char (*)(void* state, int type, const char* text, std::size_t size);

  // Reads the table of the loaded library that the function belongs to. Without what is expected
  // there (see complete()) everything may be reported. Throws std::bad_alloc.
  void read(Lookup lookup);
  bool complete() const { return complete_; }

  // False: libinjection_sqli() says no. traits: of the text.
  bool may_report(std::string_view text, Traits traits) const noexcept;

 private:
  // A set of types of tokens.
  using Types = std::uint32_t;
  // Words are found by their hash: what has that of another word has its types, too.
  struct Word {
    std::uint32_t hash = 0;
    Types types = 0;
  };
  // Of a word that is a text of the table by itself, which lies in the library's memory.
  struct Token {
    std::string_view text;
    Types types = 0;
  };
  // A word at the beginning of a text.
  struct Begun {
    std::size_t size = 0;
    Types own = 0;        // its type as a token; 0: more than one, or nobody knows
    bool listed = false;  // in the table, or a part of what is there
  };
  // Of up to kMostTypes tokens, kTypeBits each.
  using Sequence = std::uint32_t;
  static constexpr std::size_t kMostTypes = 5;
  static constexpr int kTypeBits = 5;

  static std::uint32_t step(std::uint32_t hash, char c) noexcept;
  static std::size_t slot_of(std::uint32_t hash) noexcept;
  bool add_text(std::string_view text, Types types, bool own);
  // kSlots: there is no room.
  std::size_t add_word(std::uint32_t hash, Types types);
  void add_sequence(std::string_view letters);
  // Where the word is, or would be.
  std::size_t find_word(std::uint32_t hash) const noexcept;
  static Types types_of_marks(std::string_view text, Traits traits) noexcept;
  Types types_of_words(std::string_view text) const noexcept;
  bool has_sequence(Types types) const noexcept;
  Begun begin_word(std::string_view text) const noexcept;
  static Sequence with(Sequence sequence, Types type) noexcept;
  bool begins_harmlessly(std::string_view text, Traits traits) const noexcept;

  static constexpr std::size_t kSlots = 4096;

  bool complete_ = false;
  std::size_t word_count_ = 0;
  std::vector<Word> words_;
  std::vector<Token> tokens_;     // of the words, at the same places
  std::vector<Types> sequences_;  // none of which holds another
  Types plain_ = 0;               // of which there is no sequence
  std::vector<Sequence> exact_;   // all of them, sorted
  bool two_words_ = false;        // begin one
};

}  // namespace guard::inspect
