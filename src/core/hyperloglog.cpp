#include "core/hyperloglog.h"

#include <limits>
#include <numeric>

namespace guard::core {

namespace {

constexpr double kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)

// The two series of Ertl's section 4, by which registers that are full, or empty, count.
double tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  } while (before != z);
  return z / 3;
}

double sigma(double x) noexcept {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

}  // namespace

double estimate_keys(std::span<const std::uint32_t> counts) noexcept {
  const double m = std::accumulate(counts.begin(), counts.end(), 0.0);
  const std::size_t highest = counts.size() - 1;
  double z = m * tau((m - counts[highest]) / m);
  for (std::size_t rank = highest - 1; rank >= 1; --rank) z = (z + counts[rank]) / 2;
  z += m * sigma(counts[0] / m);
  return kAlpha * m * m / z;
}

}  // namespace guard::core
