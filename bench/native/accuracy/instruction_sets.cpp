#include "instruction_sets.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>
#include <vector>

#include "blocks.hpp"
#include "points.hpp"
#include "ulp.hpp"

namespace accuracy {
namespace {

using ranvier::Activation;
using ranvier::ElementwiseKernel;
using ranvier::Form;
using ranvier::KernelTable;

template <class T>
ElementwiseKernel kernel(const KernelTable& table, Activation activation, Form form) {
    const auto& of_type = *table.elementwise[static_cast<int>(ranvier::dtype_of<T>)];
    return of_type.forms[static_cast<int>(activation)][static_cast<int>(form)];
}

template <class T>
using Bits = std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;

/// A number as its sign and its place among the numbers of T from 0 on.
template <class T>
struct Place {
    static constexpr std::uint64_t sign = std::uint64_t{1} << (8 * sizeof(T) - 1);
    static constexpr std::uint64_t infinity = (sign - 1) >> (Format<T>::digits - 1)
                                                                << (Format<T>::digits - 1);

    bool negative;
    std::uint64_t size;

    explicit Place(T x) {
        const std::uint64_t bits = std::bit_cast<Bits<T>>(x);
        negative = (bits & sign) != 0;
        size = bits & (sign - 1);
    }
    bool is_nan() const { return size > infinity; }
    std::uint64_t steps_to(Place other) const {
        if (negative != other.negative) return size + other.size;
        return size > other.size ? size - other.size : other.size - size;
    }
};

void note(Differences& found, std::uint64_t apart, double at) {
    // Of arguments with the same distance, the one whose bits are lower: whatever thread is the
    // first.
    const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
    const bool first = std::isnan(found.at);
    if (first || apart > found.apart || (apart == found.apart && bits(at) < bits(found.at))) {
        found.apart = apart;
        found.at = at;
    }
}

template <class T>
void compare_block(const T* x, const T* a, const T* b, std::size_t n, Differences& found) {
    if (std::memcmp(a, b, n * sizeof(T)) == 0) return;
    for (std::size_t i = 0; i < n; ++i) {
        if (std::memcmp(a + i, b + i, sizeof(T)) == 0) continue;
        const Place<T> one(a[i]), other(b[i]);
        if (one.is_nan() && other.is_nan()) continue;
        ++found.results;
        note(found, one.steps_to(other), widened(x[i]));
    }
}

/// Odd numbers, so that a change of one result cannot go unnoticed.
const std::vector<std::uint64_t>& factors() {
    static const std::vector<std::uint64_t> list = [] {
        std::vector<std::uint64_t> result(block);
        for (std::size_t i = 0; i < block; ++i) result[i] = random_bits(i) | 1;
        return result;
    }();
    return list;
}

/// Of the results of a block, all NaNs being one; blocks are added up in any order.
template <class T>
std::uint64_t digest(const T* y, std::size_t n, std::uint64_t first) {
    const std::uint64_t* factor = factors().data();
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t bits = std::bit_cast<Bits<T>>(y[i]);
        const bool nan = (bits & (Place<T>::sign - 1)) > Place<T>::infinity;
        sum += (nan ? Place<T>::infinity + 1 : bits) * factor[i];
    }
    return random_bits(sum ^ random_bits(first / block));
}

/// What a vector-Jacobian product is multiplied by: of 4 binades and both signs, the same in every
/// block.
template <class T>
const std::vector<T>& gradients() {
    static const std::vector<T> list = [] {
        std::vector<T> result(block);
        for (std::size_t i = 0; i < block; ++i) {
            const std::uint64_t bits = random_bits(block + i);
            const double size = std::ldexp(1 + static_cast<double>(bits >> 11) * 0x1p-53,
                                           static_cast<int>(bits & 3) - 2);
            result[i] = narrowed<T>(bits & 4 ? -size : size);
        }
        return result;
    }();
    return list;
}

}  // namespace

void Differences::add(const Differences& other) {
    if (other.results != 0) note(*this, other.apart, other.at);
    results += other.results;
    digest += other.digest;
}

template <class T>
bool has_form(const KernelTable& table, Activation activation, Form form) {
    return kernel<T>(table, activation, form) != nullptr;
}

template <class T>
Differences compare(const KernelTable& one, const KernelTable& other, Activation activation,
                    Form form, const T* parameters, const Arguments<T>& arguments,
                    std::uint64_t count) {
    const ElementwiseKernel value = kernel<T>(one, activation, Form::value);
    const ElementwiseKernel kernels[] = {kernel<T>(one, activation, form),
                                         kernel<T>(other, activation, form)};
    return over_blocks<Differences>(count, [&] {
        return [&, x = std::vector<T>(block), from = std::vector<T>(block),
                a = std::vector<T>(block), b = std::vector<T>(block)](
                   std::uint64_t first, std::size_t n, Differences& found) mutable {
            arguments(x.data(), n, first);
            const void* operands[] = {x.data(), parameters, parameters + 1};
            const void* with_gradient[] = {gradients<T>().data(), x.data(), parameters,
                                           parameters + 1};
            if (form == Form::vjp_from_output) {
                value(operands, from.data(), n, true);
                with_gradient[1] = from.data();
            }
            const bool plain = form == Form::value || form == Form::derivative;
            const void* const* in = plain ? operands : with_gradient;
            kernels[0](in, a.data(), n, true);
            kernels[1](in, b.data(), n, true);
            compare_block(x.data(), a.data(), b.data(), n, found);
            found.digest += digest(a.data(), n, first);
        };
    });
}

#define RV_INSTANTIATE(T)                                                                  \
    template bool has_form<T>(const KernelTable&, Activation, Form);                       \
    template Differences compare(const KernelTable&, const KernelTable&, Activation, Form, \
                                 const T*, const Arguments<T>&, std::uint64_t);
RV_INSTANTIATE(ranvier::half)
RV_INSTANTIATE(float)
RV_INSTANTIATE(double)
#undef RV_INSTANTIATE

}  // namespace accuracy
