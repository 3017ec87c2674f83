#define RANVIER_ISA avx512
#include "table.hpp"
