#include "elementwise.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "float_status.hpp"
#include "prefetch.hpp"
#include "registry.hpp"
#include "strided.hpp"
#include "threads.hpp"

namespace ranvier {
namespace {

constexpr std::size_t stack_block = 512;     // elements of one operand gathered at a time
constexpr std::size_t far_bytes = 8u << 20;  // of one operand, beyond most caches

std::size_t worth_a_thread(const ElementwiseCall& call) {
    return call.heavy ? 12288 : 131072;
}

}  // namespace

ElementwiseCall elementwise_call(Activation activation, Form form, DType dtype) {
    static const std::size_t sizes[count_of<DType>] = {2, 4, 8};
    const auto a = static_cast<int>(activation);
    const auto d = static_cast<int>(dtype);
    const ActivationRecord& record = activations()[static_cast<std::size_t>(a)];
    const int arrays = form == Form::value || form == Form::derivative ? 1 : 2;
    // From the output, it is a product or two.
    const bool heavy = record.heavy && form != Form::vjp_from_output;
    return {kernels().elementwise[d]->forms[a][static_cast<int>(form)], arrays,
            static_cast<int>(record.parameters.size()), sizes[d], heavy};
}

void run_elementwise(const ElementwiseCall& call, char* const* data, const std::ptrdiff_t* stride,
                     std::size_t n) {
    const KeepFloatStatus keep;
    const int inputs = call.arrays + call.parameters;
    const auto item = static_cast<std::ptrdiff_t>(call.item_size);
    bool uniform = true;
    for (int k = call.arrays; k < inputs; ++k) uniform &= stride[k] == 0;
    bool strided = stride[inputs] != item;
    for (int k = 0; k < inputs; ++k) {
        strided |= !(stride[k] == item || (uniform && k >= call.arrays));
    }
    strided &= n > 1;
    // What is light keeps up with memory by itself, and what is in a cache needs no prefetch.
    const bool far = call.heavy && n * call.item_size > far_bytes;
    // A parameter given per element is read like an array; one value among such is repeated.
    parallel_for(n, 64, worth_a_thread(call), [&](std::size_t begin, std::size_t end) {
        const void* in[most_operands];
        const auto at = [&](int k, std::size_t i) {
            return data[k] + static_cast<std::ptrdiff_t>(i) * stride[k];
        };
        if (!strided) {
            const std::size_t block = far ? prefetch_block : end - begin;
            for (std::size_t start = begin; start < end; start += block) {
                const std::size_t ahead = std::min(end, start + prefetch_distance);
                const std::size_t bytes = far ? std::min(block, end - ahead) * call.item_size : 0;
                for (int k = 0; k < inputs; ++k) {
                    if (stride[k] == item) prefetch(at(k, ahead), bytes);
                    in[k] = at(k, start);
                }
                prefetch_to_write(at(inputs, ahead), bytes);
                call.kernel(in, at(inputs, start), std::min(block, end - start), uniform);
            }
            return;
        }
        alignas(64) char buffer[most_operands][stack_block * 8];
        for (std::size_t start = begin; start < end; start += stack_block) {
            const std::size_t m = std::min(stack_block, end - start);
            for (int k = 0; k < inputs; ++k) {
                const bool direct = stride[k] == item || (uniform && k >= call.arrays);
                if (!direct) gather(buffer[k], at(k, start), stride[k], call.item_size, m);
                in[k] = direct ? at(k, start) : buffer[k];
            }
            const bool in_place = stride[inputs] == item;
            void* out = in_place ? static_cast<void*>(at(inputs, start)) : buffer[inputs];
            call.kernel(in, out, m, uniform);
            if (!in_place) {
                scatter(at(inputs, start), stride[inputs], buffer[inputs], call.item_size, m);
            }
        }
    });
}

}  // namespace ranvier
