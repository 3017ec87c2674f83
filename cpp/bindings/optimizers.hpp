// An optimizer over arrays of Python: made once, then a step at each call.
#pragma once

#include "arrays.hpp"

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "one_at_a_time.hpp"
#include "option_reader.hpp"
#include "runtime/optimizer.hpp"

namespace ranvier::bindings {

/// Memory that belongs to an array of the optimizer, and what errors call it.
struct OwnedSpan {
    const char *begin, *end;
    const char* list;
    std::size_t index;
    std::string name() const { return ArgumentName(list, index); }
};

/// Owns the handle, and the arrays to which it points. The groups are the dicts of `param_groups`,
/// which stay Python's: each step looks at them.
class OptimizerObject {
public:
    /// A state is {"steps": int, "carried": {name: number}, "arrays": {name: list of arrays}}, each
    /// of which may be missing. Throws unless every array can be updated in place and lies apart
    /// from the others.
    OptimizerObject(const std::string& rule, const pybind11::list& groups,
                    const pybind11::list& states);

    /// False, and nothing is done, if the groups no longer hold the arrays of this object.
    /// Everything is checked before anything is written.
    bool step(const pybind11::list& groups, const pybind11::list& gradients, double scale);

    /// The part of a step that does not depend on gradients: options are read from the groups,
    /// states that they need are made. False as for a step.
    bool prepare(const pybind11::list& groups);

    /// The state of each group, as the constructor takes it; the arrays are those in use.
    pybind11::list states();

    OptimizerHandle& handle() { return handle_; }
    /// Whoever uses the handle has a turn meanwhile; `prepare` comes before it.
    OneAtATime& turns() { return turn_; }

private:
    /// A state array that is not there yet.
    struct NewState {
        std::size_t tensor, state;
        pybind11::object array;
    };

    bool read(const pybind11::list& groups);
    bool same_arrays(const pybind11::list& groups) const;
    std::vector<NewState> missing_states() const;
    void keep(std::vector<NewState>&& made) noexcept;
    void take_gradients(const pybind11::list& gradients);
    double start_of(const StartRecord& start, std::size_t group) const;
    void load(const pybind11::dict& state, std::size_t group, std::vector<OwnedSpan>& spans);
    void load_arrays(const pybind11::list& arrays, std::size_t group, std::size_t state,
                     std::vector<OwnedSpan>& spans);

    std::vector<std::size_t> first_;  // the first tensor of each group, and their number
    OptimizerHandle handle_;
    std::vector<OptionReader> readers_;  // of the groups
    std::vector<char> started_;          // whether a group has what its rule carries
    std::vector<pybind11::object> parameter_objects_;
    std::vector<FloatArray> parameters_;
    std::vector<pybind11::object> state_objects_;  // max_states for each tensor
    std::vector<OwnedSpan> spans_;                 // by address
    std::vector<pybind11::object> held_;           // gradients, during a step
    std::vector<const void*> gradients_;
    OneAtATime turn_;
};

}  // namespace ranvier::bindings
