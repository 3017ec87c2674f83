"""The results of `forward` and `backward` are the caller's own, in both modes."""

from __future__ import annotations

import numpy as np
import pytest

from checks import check_same_bits
from everything import COLUMNS, layers
from ranvier import nn


def modules():
    """Of every class in nn at least one, by name."""
    found = layers(np.float64)
    found["Embedding"] = nn.Embedding(COLUMNS, 5, dtype=np.float64, rng=0)
    found["Linear"] = nn.Linear(COLUMNS, 5, dtype=np.float64, rng=0)
    found["Flatten"] = nn.Flatten()
    found["AlphaDropout"] = nn.AlphaDropout(rng=0)
    found["Dropout of nothing"] = nn.Dropout(0.0)
    found["Sequential of one by one"] = nn.Sequential(
        nn.LayerNorm(COLUMNS, dtype=np.float64), nn.Tanh(), nn.Dropout(0.5, rng=0)
    )
    found["Concat of what returns its input"] = nn.Concat(nn.Dropout(0.0), nn.Flatten())
    found["Residual of what returns its input"] = nn.Residual(nn.Flatten())
    classes = [getattr(nn, name) for name in nn.__all__]
    kinds = {type(module) for each in found.values() for module in each.modules()}
    for cls in classes:
        is_module = isinstance(cls, type) and issubclass(cls, nn.Module)
        if is_module and cls not in kinds and cls is not nn.Module:
            options = {"dtype": np.float64} if cls is nn.Swish else {}
            arguments = (0.25, 0.5) if cls is nn.Threshold else ()
            found[cls.__name__] = cls(*arguments, **options)
    return found


MODULES = modules()
# Those that compute nothing, and return what they are given or a view of it.
PASSED_ON = {
    True: {"Flatten", "Dropout of nothing"},
    False: {"Flatten", "Dropout of nothing", "Dropout", "AlphaDropout"},
}


def inputs(name):
    if name == "Embedding":
        return [np.arange(7) % COLUMNS, np.arange(7)[::-1] % COLUMNS]
    rng = np.random.default_rng(0)
    return [rng.normal(size=(7, COLUMNS)) for _ in range(2)]


def memory_inside(module):
    """All that a module keeps from call to call, with its parameters and gradients."""
    arrays = [*module.parameters(), *module.gradients()]
    for part in module.modules():
        arrays += [*part._buffers.values(), *part._workspace._memory.values()]
    return arrays


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_results_are_the_callers_own(name, training):
    module = MODULES[name].train(training)
    passed_on = name in PASSED_ON[training]
    x = inputs(name)
    outputs, kept, gradients, kept_gradients = [], [], [], []
    for value in (*x, x[0]):
        outputs.append(module(value))
        kept.append(outputs[-1].copy())
        g = np.random.default_rng(len(outputs)).normal(size=kept[-1].shape)
        gradients.append(module.backward(g))
        kept_gradients.append(gradients[-1].copy())
        module.backward_parameters(g)
        assert np.shares_memory(outputs[-1], value) == passed_on
        assert np.shares_memory(gradients[-1], g) == passed_on
    results = [*outputs[: 2 if passed_on else 3], *gradients]
    for i, result in enumerate(results):
        assert isinstance(result, np.ndarray) and result.flags.writeable
        for other in (*results[:i], *memory_inside(module)):
            assert not np.shares_memory(result, other)
    for got, before in zip((*outputs, *gradients), (*kept, *kept_gradients), strict=True):
        check_same_bits(got, before, "after the later calls")


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_a_result_can_be_changed_when_nobody_goes_backward(name, training):
    module, same = modules()[name], modules()[name]
    x = inputs(name)
    for value in x:
        value = value.copy()
        expected, got = (each.train(training)(value) for each in (same, module))
        check_same_bits(got, expected, "output")
        g = np.ones_like(expected)
        right = same.backward(g)
        gradient = module.backward(g.copy())
        check_same_bits(gradient, right, "gradient of the input")
        for result in (got, gradient):
            result[...] = 99
