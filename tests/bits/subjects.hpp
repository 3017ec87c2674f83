// What main.cpp runs: each reports the results of a family of kernels.
#pragma once

namespace bits {

void functions();
void gates();
void rows();
void losses();
void layers();
void optimizers();

}  // namespace bits
