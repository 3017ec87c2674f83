#include "dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace ranvier {
namespace {

#if defined(__x86_64__)

/// The register state that the operating system saves (XCR0): without it, AVX is not usable
/// whatever CPUID says.
unsigned long long saved_state() {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<unsigned long long>(high) << 32) | low;
}

struct Features {
    bool avx2 = false;
    bool avx512 = false;
    Features() {
        unsigned a, b, c, d;
        if (__get_cpuid(1, &a, &b, &c, &d) == 0) return;
        const bool fma = (c >> 12) & 1;
        const bool osxsave = (c >> 27) & 1;
        const bool avx = (c >> 28) & 1;
        if (!osxsave || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return;
        const unsigned long long state = saved_state();
        const bool ymm = (state & 0x6) == 0x6;
        const bool zmm = (state & 0xe6) == 0xe6;
        avx2 = avx && fma && ((b >> 5) & 1) && ymm;
        // F, DQ, BW, VL: what every AVX-512 machine since 2017 has but Xeon Phi.
        const unsigned wanted = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
        avx512 = avx2 && (b & wanted) == wanted && zmm;
    }
};

#endif

#define RV_TABLE(isa)                                                                      \
    static constexpr KernelTable isa##_table = {                                           \
        #isa,                                                                              \
        {&isa::elementwise_float16, &isa::elementwise_float32, &isa::elementwise_float64}, \
        isa::gate_table,                                                                   \
        isa::row_table_float32,                                                            \
        isa::row_table_float64,                                                            \
        isa::rows_in_lanes_table,                                                          \
        isa::loss_table,                                                                   \
        isa::row_loss_table_float32,                                                       \
        isa::row_loss_table_float64,                                                       \
        isa::norm_table_float32,                                                           \
        isa::norm_table_float64,                                                           \
        isa::product_table_float32,                                                        \
        isa::product_table_float64,                                                        \
        isa::optimizer_table,                                                              \
    }

const KernelTable& choose() {
    const auto tables = available_kernels();
    const char* forced = std::getenv("RANVIER_ISA");
    if (forced == nullptr || *forced == '\0') return *tables.front();
    std::string names;
    for (const KernelTable* table : tables) {
        if (forced == std::string(table->name)) return *table;
        names += (names.empty() ? "" : ", ") + std::string(table->name);
    }
    throw std::runtime_error(
        "RANVIER_ISA is '" + std::string(forced) +
        "', which is unknown or not available on this machine; available: " + names);
}

}  // namespace

std::vector<const KernelTable*> available_kernels() {
    std::vector<const KernelTable*> tables;
#if defined(__x86_64__)
    [[maybe_unused]] const Features features;
#ifdef RANVIER_HAS_avx512
    RV_TABLE(avx512);
    if (features.avx512) tables.push_back(&avx512_table);
#endif
#ifdef RANVIER_HAS_avx2
    RV_TABLE(avx2);
    if (features.avx2) tables.push_back(&avx2_table);
#endif
    RV_TABLE(baseline);
    tables.push_back(&baseline_table);
#elif defined(__aarch64__)
    RV_TABLE(neon);
    tables.push_back(&neon_table);
#else
    RV_TABLE(baseline);
    tables.push_back(&baseline_table);
#endif
    return tables;
}

const KernelTable& kernels() {
    static const KernelTable& chosen = choose();
    return chosen;
}

std::string instruction_set() {
    return kernels().name;
}

std::vector<std::string> available_instruction_sets() {
    std::vector<std::string> names;
    for (const KernelTable* table : available_kernels()) names.emplace_back(table->name);
    return names;
}

}  // namespace ranvier
