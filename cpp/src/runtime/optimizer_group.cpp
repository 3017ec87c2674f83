#include "optimizer_group.hpp"

#include "optimizer_scalars.hpp"

namespace ranvier {
namespace {

template <class Options>
class GroupOf final : public OptimizerGroup {
public:
    void* options() override { return &options_; }
    const void* scalars(DType dtype) const override {
        return dtype == DType::float32 ? static_cast<const void*>(&of_float_) : &of_double_;
    }

private:
    void advance(double t, double scale) override {
        if (has_float32) of_float_ = scalars_of<float>(options_, t, scale);
        if (has_float64) of_double_ = scalars_of<double>(options_, t, scale);
        carry(options_, t);
    }

    Options options_;
    decltype(scalars_of<float>(Options(), 0.0, 0.0)) of_float_{};
    decltype(scalars_of<double>(Options(), 0.0, 0.0)) of_double_{};
};

}  // namespace

std::unique_ptr<OptimizerGroup> make_optimizer_group(Optimizer rule) {
    switch (rule) {
#define RV_OPTIMIZER(name, Options, ...) \
    case Optimizer::name:                \
        return std::make_unique<GroupOf<Options>>();
#include "../ops/optimizers.def"
#undef RV_OPTIMIZER
        case Optimizer::count:
            break;
    }
    return nullptr;
}

}  // namespace ranvier
