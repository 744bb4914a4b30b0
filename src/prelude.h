// What takes longest to read of what most sources include: the builds read it once, before all
// else. Nobody includes it, and nobody may rely on it.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
