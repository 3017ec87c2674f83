// A stack of layers as Python holds it.
#pragma once

#include "arrays.hpp"

#include <memory>
#include <mutex>
#include <vector>

#include "layers/stack.hpp"

namespace ranvier::bindings {

/// A stack of either precision. It holds the arrays of its parameters, which do not move.
class StackHandle {
public:
    virtual ~StackHandle() = default;

    virtual std::size_t inputs() const = 0;
    virtual std::size_t outputs() const = 0;

    /// The output, a new array. With `keep`, all that the backward direction needs is kept; else
    /// several threads may call it at once.
    virtual pybind11::object forward(pybind11::handle x, bool keep) = 0;
    /// The gradient with respect to the last input, a new array, or None if it is not asked for.
    /// Gradients of parameters are written, or added to.
    virtual pybind11::object backward(pybind11::handle grad_output, bool accumulate,
                                      bool input_gradient) = 0;
};

template <class T>
class StackOf : public StackHandle {
public:
    explicit StackOf(const pybind11::list& layers);

    pybind11::object forward(pybind11::handle x, bool keep) override;
    pybind11::object backward(pybind11::handle grad_output, bool accumulate,
                              bool input_gradient) override;
    std::size_t inputs() const override { return stack_.inputs(); }
    std::size_t outputs() const override { return stack_.outputs(); }
    const Stack<T>& stack() const { return stack_; }

private:
    static int type() { return dtype_of<T> == DType::float32 ? NPY_FLOAT : NPY_DOUBLE; }
    static void* data(const pybind11::object& array) {
        return PyArray_DATA(reinterpret_cast<PyArrayObject*>(array.ptr()));
    }
    static std::size_t size(const pybind11::object& array) {
        return static_cast<std::size_t>(
            PyArray_SIZE(reinterpret_cast<PyArrayObject*>(array.ptr())));
    }
    Layers<T> read(const pybind11::list& descriptions);
    pybind11::object new_array(const pybind11::object& like, std::size_t columns) const;
    pybind11::object readable(pybind11::handle x) const;
    void check_gradient(const FloatArray& g, const pybind11::object& input) const;
    Pass<T>& pass_for(std::size_t rows);

    std::vector<pybind11::object> held_;
    Stack<T> stack_;
    std::mutex mutex_;
    std::unique_ptr<Pass<T>> pass_;
    pybind11::object input_;
    bool kept_ = false;
};

}  // namespace ranvier::bindings
