// Dates, times and durations.
#include <array>
#include <cstdint>

#include "json/formats.h"

namespace guard::json::formats {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_letter(char lower) { return take(lower) || take(static_cast<char>(lower - 32)); }
  // Exactly so many digits, of a number between least and most.
  bool number(std::size_t digits, int least, int most, int& value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value >= least && value <= most;
  }
  bool digits() {
    std::size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count > 0;
  }

 private:
  std::string_view rest_;
};

bool date(Reader& in) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = 0;
  int month = 0;
  int day = 0;
  if (!in.number(4, 0, 9999, year) || !in.take('-') || !in.number(2, 1, 12, month) ||
      !in.take('-') || !in.number(2, 1, 31, day)) {
    return false;
  }
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month) - 1] && (month != 2 || day < 29 || leap);
}

// local: seconds and the offset may be missing.
bool time(Reader& in, bool local = false) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in.number(2, 0, 23, hour) || !in.take(':') || !in.number(2, 0, 59, minute)) return false;
  if (in.take(':')) {
    if (!in.number(2, 0, 60, second) || (in.take('.') && !in.digits())) return false;
  } else if (!local) {
    return false;
  }
  if (local && in.done()) return second < 60;
  int offset = 0;
  if (!in.take_letter('z')) {
    const bool east = in.take('+');
    if (!east && !in.take('-')) return false;
    int hours = 0;
    int minutes = 0;
    if (!in.number(2, 0, 23, hours) || !in.take(':') || !in.number(2, 0, 59, minutes)) return false;
    offset = (hours * 60 + minutes) * (east ? 1 : -1);
  }
  // The last second of a day of UTC.
  constexpr int kDay = 24 * 60;
  return second < 60 || (hour * 60 + minute - offset + kDay) % kDay == kDay - 1;
}

// dur-date and dur-time of the grammar: each unit may be followed by the next smaller one alone.
bool units(Reader& in, std::string_view letters) {
  std::size_t from = 0;
  bool any = false;
  while (!in.done()) {
    Reader ahead = in;
    if (!ahead.digits()) return any;
    std::size_t unit = from;
    while (unit < letters.size() && !ahead.take(letters[unit])) ++unit;
    if (unit == letters.size() || (any && unit != from)) return false;
    in = ahead;
    any = true;
    from = unit + 1;
  }
  return any;
}

void skip_sign(Reader& in) {
  if (!in.take('-')) (void)in.take('+');
}

// Any of them, each once and in this order.
bool iso_units(Reader& in, std::string_view letters) {
  bool any = false;
  for (;;) {
    Reader ahead = in;
    skip_sign(ahead);
    if (!ahead.digits()) return any;
    if (ahead.take('.') && !ahead.digits()) return false;
    std::size_t unit = 0;
    while (unit < letters.size() && !ahead.take(letters[unit])) ++unit;
    if (unit == letters.size()) return false;
    letters.remove_prefix(unit + 1);
    in = ahead;
    any = true;
  }
}

}  // namespace

bool is_date(std::string_view text) noexcept {
  Reader in(text);
  return date(in) && in.done();
}

bool is_time(std::string_view text) noexcept {
  Reader in(text);
  return time(in) && in.done();
}

bool is_date_time(std::string_view text) noexcept {
  Reader in(text);
  return date(in) && in.take_letter('t') && time(in) && in.done();
}

bool is_iso_time(std::string_view text) noexcept {
  Reader in(text);
  return time(in, true) && in.done();
}

bool is_iso_date_time(std::string_view text) noexcept {
  Reader in(text);
  return date(in) && in.take_letter('t') && time(in, true) && in.done();
}

bool is_iso_duration(std::string_view text) noexcept {
  Reader in(text);
  skip_sign(in);
  if (!in.take('P')) return false;
  const bool days = iso_units(in, "YMWD");
  if (in.done()) return days;
  return in.take('T') && iso_units(in, "HMS") && in.done();
}

bool is_duration(std::string_view text) noexcept {
  Reader in(text);
  if (!in.take('P')) return false;
  Reader weeks = in;
  if (weeks.digits() && weeks.take('W')) return weeks.done();
  if (in.take('T')) return units(in, "HMS") && in.done();
  if (!units(in, "YMD")) return false;
  return in.done() || (in.take('T') && units(in, "HMS") && in.done());
}

}  // namespace guard::json::formats
