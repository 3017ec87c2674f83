#define RANVIER_ISA avx2
#include "table.hpp"
