#define RANVIER_ISA baseline
#include "table.hpp"
