// What else most unit tests include, as src/prelude.h has it for all.
#include <random>

#include "unit.h"
