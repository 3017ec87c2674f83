// The bits of everything: a hash for each operation, on inputs that are the same on every machine.
// What two machines, instruction sets or compilers print is compared line by line.
#include "subjects.hpp"

int main() {
    bits::functions();
    bits::gates();
    bits::rows();
    bits::losses();
    bits::layers();
    bits::optimizers();
}
