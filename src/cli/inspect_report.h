// What a request meets in the rules, as text for people.
#pragma once

#include <string>

#include "inspect/inspection.h"

namespace guard::cli {

// The rules that matched, in order: "ID VARIABLE: MESSAGE", and with excerpt what they found.
std::string matches_text(const inspect::Inspection& inspection, bool excerpt);
// "score 10: sql_injection 5, xss 5"; only what is not zero.
std::string scores_text(const inspect::Inspection& inspection,
                        const inspect::InspectionResult& result);
// "refused: 403 inspect.sqli, by rule 949110"; "passes".
std::string verdict_text(const inspect::Inspection& inspection,
                         const inspect::InspectionResult& result);

}  // namespace guard::cli
