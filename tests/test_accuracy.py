"""Every function against the oracle: within the bound of its row, at every kind of point."""

from __future__ import annotations

import numpy as np
import pytest

from checks import check_accuracy, check_not_flushed, check_silent, check_special_values
from operations import BOUNDED_DTYPES, DTYPES, Operation, operations
from oracle import ON_ONE_WORKER, truth
from reference import REFERENCES, limits_and_zero

pytestmark = ON_ONE_WORKER

EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
EACH_BOUNDED_DTYPE = pytest.mark.parametrize(
    "dtype", BOUNDED_DTYPES, ids=lambda dtype: dtype.__name__
)
EACH_OPERATION = pytest.mark.parametrize("operation", operations(), ids=str)


@EACH_BOUNDED_DTYPE
@EACH_OPERATION
def test_error_is_within_the_bound(operation, dtype, record_property, capsys):
    points, exact = truth(operation.name, operation.form, dtype, operation.parameters)
    bound = operation.bound(dtype)
    worst = check_accuracy(str(operation), operation.at, points, exact, bound)
    record_property("largest error in ulp", worst)
    with capsys.disabled():
        print(f"\n{operation!s:28}{dtype.__name__:9}{worst:8.4f} ulp of {bound:.4f}", end=" ")


@EACH_DTYPE
@EACH_OPERATION
def test_nothing_representable_is_flushed_to_zero(operation, dtype):
    points, exact = truth(operation.name, operation.form, dtype, operation.parameters)
    check_not_flushed(str(operation), operation.at, points, exact)


@EACH_DTYPE
@EACH_OPERATION
def test_no_input_raises_a_warning(operation, dtype):
    points, _ = truth(operation.name, operation.form, dtype, operation.parameters)
    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    check_silent(str(operation), operation.at, np.concatenate([points, special]))


def expected_special_values(operation: Operation) -> dict[float, float]:
    index = 0 if operation.form == "value" else 1
    return {x: pair[index] for x, pair in operation.record.special_values.items()}


@EACH_DTYPE
@pytest.mark.parametrize("operation", operations("value", "derivative", "vjp"), ids=str)
def test_special_values(operation, dtype):
    expected = expected_special_values(operation)
    check_special_values(str(operation), operation.at, expected, dtype)


@pytest.mark.parametrize("operation", operations("value"), ids=str)
def test_special_values_of_the_row(operation):
    reference = REFERENCES[operation.name]
    record = operation.record.special_values
    for index, formula in enumerate((reference.value, reference.derivative)):
        limits = limits_and_zero(formula, operation.parameters)
        assert [record[x][index] for x in (-np.inf, 0.0, np.inf)] == limits
    (at_nan,) = [pair for x, pair in record.items() if np.isnan(x)]
    assert np.all(np.isnan(at_nan))


@EACH_BOUNDED_DTYPE
@pytest.mark.parametrize("operation", operations("vjp", "vjp_from_output"), ids=str)
def test_vjp_is_the_product_with_the_gradient(operation, dtype):
    points, exact = truth(operation.name, operation.form, dtype, operation.parameters)
    middle = (exact.exponent > -8) & (exact.exponent < 8) | (exact.high == 0)
    points = points[middle]
    g = np.linspace(-2, 2, len(points)).astype(dtype)
    product = g.astype(np.float64) * exact[middle].rounded(np.float64)
    got = operation(g, points).astype(np.float64)
    eps = np.finfo(dtype).eps
    tolerance = (operation.bound(dtype) + 2) * eps * np.abs(product) + np.finfo(dtype).tiny
    assert np.all(np.abs(got - product) <= tolerance)
