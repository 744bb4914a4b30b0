// Compiled databases of patterns in files, so that who reads the same rules again compiles nothing.
//
// Each is named by the SHA-256 of all that has made it: patterns, flags, the version of Vectorscan
// and the features of the processor. A database is code to whoever runs it, so that only what the
// user who starts nginx has written, in a directory of this user's alone, is believed, and of that
// only what its own SHA-256 stands for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct hs_database;

namespace guard::inspect {

class PatternCache {
 public:
  // Of these the most recently used are kept.
  static constexpr std::size_t kMaxFiles = 256;

  // Makes the directory if it is not there. Throws ConfigError where it cannot be made, or is
  // somebody else's to read or to write.
  explicit PatternCache(std::string directory);
  ~PatternCache();
  PatternCache(const PatternCache&) = delete;
  PatternCache& operator=(const PatternCache&) = delete;

  const std::string& directory() const { return directory_; }

  // Null: it is not there, or not to be believed; of the latter there is a warning.
  std::shared_ptr<hs_database> load(std::string_view source);
  // A cache that cannot be written to is no fault: there is a warning.
  void store(std::string_view source, const hs_database* database);

  // Since they were last taken.
  std::vector<std::string> take_warnings();

 private:
  void write(const std::string& name, std::string_view digest, std::string_view bytes);
  void prune();
  void warn(const std::string& name, std::string_view what);

  std::string directory_;
  int fd_ = -1;
  std::vector<std::string> warnings_;
};

}  // namespace guard::inspect
