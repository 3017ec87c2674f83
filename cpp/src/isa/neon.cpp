#define RANVIER_ISA neon
#include "table.hpp"
