"""The ufunc protocol: every shape, stride, dtype and keyword gives the bits of the plain call."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import ranvier as rv
from checks import bits, check_lanes, check_same_bits, check_special_values
from operations import DTYPES, operations
from points import distinct

EACH_DTYPE = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
EACH_OPERATION = pytest.mark.parametrize("operation", operations(), ids=str)
ONE_DTYPE = pytest.mark.parametrize("dtype", [np.float32])
LONG = 10**5 + 3


def operands(operation, n, dtype):
    return tuple(distinct(n, dtype, seed) for seed in range(operation.arrays))


@EACH_DTYPE
@EACH_OPERATION
def test_every_length_and_offset(operation, dtype):
    lanes = 64 // np.dtype(dtype).itemsize
    # Blocks: float16 is widened 256 at a time, strided operands are gathered 512 at a time.
    sizes = [*range(2 * lanes + 2), 255, 256, 257, 511, 512, 513, 1025]
    check_lanes(str(operation), operation, operands(operation, 1029, dtype), sizes)


@EACH_DTYPE
@EACH_OPERATION
def test_long_array_equals_its_parts_on_any_number_of_threads(operation, dtype):
    arrays = operands(operation, LONG, dtype)
    with rv.num_threads(1):
        parts = [operation(*(a[i : i + 997] for a in arrays)) for i in range(0, LONG, 997)]
    for threads in (1, 2, 4, 7):
        with rv.num_threads(threads):
            got = operation(*arrays)
        check_same_bits(got, np.concatenate(parts), f"{operation} on {threads} threads")


def unaligned(x):
    raw = np.empty(x.nbytes + 1, np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    return view


def every_other(x):
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan, x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


LAYOUTS = {
    "strided": every_other,
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1],
    "transposed": lambda x: x.T.copy().T,
    "unaligned": unaligned,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@EACH_DTYPE
@EACH_OPERATION
def test_layout_of_inputs(operation, dtype, layout):
    arrays = [a.reshape(3, 683) for a in operands(operation, 3 * 683, dtype)]
    laid_out = [LAYOUTS[layout](a) for a in arrays]
    got = operation(*laid_out)
    check_same_bits(got, operation(*arrays), f"{operation}, {layout}")


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "read-only"])
@EACH_DTYPE
@EACH_OPERATION
def test_layout_of_output(operation, dtype, layout):
    arrays = [a.reshape(3, 683) for a in operands(operation, 3 * 683, dtype)]
    out = LAYOUTS[layout](np.full((3, 683), 7, dtype))
    assert operation(*arrays, out=out) is out
    check_same_bits(out.astype(dtype), operation(*arrays), f"{operation}, {layout} out")


@EACH_DTYPE
@EACH_OPERATION
def test_gap_of_a_strided_output_stays(operation, dtype):
    arrays = operands(operation, 700, dtype)
    wide = np.full(1400, 7, dtype)
    operation(*arrays, out=wide[::2])
    assert np.all(wide[1::2] == 7)


@EACH_DTYPE
@EACH_OPERATION
def test_shapes(operation, dtype):
    for shape in ((), (0,), (3, 0, 2), (1,), (5, 1, 7)):
        arrays = [np.ones(shape, dtype)] * operation.arrays
        got = operation(*arrays)
        assert np.shape(got) == shape
        assert got.dtype == dtype


@EACH_DTYPE
@EACH_OPERATION
def test_broadcast(operation, dtype):
    arrays = list(operands(operation, 21, dtype))
    arrays[-1] = arrays[-1].reshape(21, 1)
    arrays[0] = arrays[0] if operation.arrays == 2 else np.broadcast_to(arrays[0], (21, 4))
    full = np.broadcast_arrays(*arrays)
    expected = operation(*(np.ascontiguousarray(a) for a in full))
    check_same_bits(operation(*arrays), expected, f"{operation}, broadcast")


@EACH_DTYPE
@EACH_OPERATION
def test_in_place_and_overlapping_output(operation, dtype):
    arrays = operands(operation, 2051, dtype)
    expected = operation(*arrays)
    for k in range(operation.arrays):
        mine = [a.copy() for a in arrays]
        assert operation(*mine, out=mine[k]) is mine[k]
        check_same_bits(mine[k], expected, f"{operation} into operand {k}")
    for shift in (1, 5, 16):
        buffer = np.zeros(2051 + shift, dtype)
        for source, target in ((0, shift), (shift, 0)):
            buffer[source : source + 2051] = arrays[-1]
            out = buffer[target : target + 2051]
            operation(*arrays[:-1], buffer[source : source + 2051], out=out)
            check_same_bits(out, expected, f"{operation}, out shifted by {target - source}")


@EACH_OPERATION
@ONE_DTYPE
def test_keywords(operation, dtype):
    arrays = operands(operation, 64, dtype)
    expected = operation(*arrays)
    chosen = np.arange(64) % 3 == 0
    out = np.full(64, 7, dtype)
    operation(*arrays, out=out, where=chosen)
    check_same_bits(out, np.where(chosen, expected, dtype(7)), f"{operation}, where=")
    wide = operation(*arrays, dtype=np.float64)
    doubles = operation(*(a.astype(np.float64) for a in arrays))
    check_same_bits(wide, doubles, f"{operation}, dtype=")
    check_same_bits(operation(*arrays, casting="no"), expected, f"{operation}, casting=")
    fortran = operation(*(a.reshape(8, 8) for a in arrays), order="F")
    assert fortran.flags.f_contiguous


@EACH_OPERATION
@ONE_DTYPE
def test_output_that_does_not_fit(operation, dtype):
    arrays = operands(operation, 16, dtype)
    fixed = np.zeros(16, dtype)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        operation(*arrays, out=fixed)
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        operation(*arrays, out=np.zeros(15, dtype))
    with pytest.raises(TypeError):
        operation(*arrays, out=np.zeros(16, np.int32))
    with pytest.raises(TypeError):
        operation(*arrays, out=[0.0] * 16)


INTEGERS = ("?", "b", "B", "h", "H", "i", "I", "l", "L")


@pytest.mark.parametrize("code", INTEGERS)
@EACH_OPERATION
def test_integers_are_promoted_as_by_numpy(operation, code):
    x = np.array([0, 1, 1, 0], code)
    got = operation.at(x)
    # A parameter is an operand: a Python float beside integers.
    expected = (x + 0.5 if operation.parameters else np.exp(x)).dtype
    assert got.dtype == expected
    check_same_bits(got, operation.at(x.astype(expected)), f"{operation} of {x.dtype}")


@EACH_OPERATION
def test_lists_and_scalars(operation):
    got = operation(*[[0.5, 1.0]] * operation.arrays)
    assert got.dtype == np.float64
    scalar = operation(*[0.5] * operation.arrays)
    assert isinstance(scalar, np.float64)
    assert scalar == got[0]


@pytest.mark.parametrize("code", ["F", "D", "O", "U4", "M8[s]"])
@EACH_OPERATION
def test_other_dtypes_are_refused(operation, code):
    x = np.zeros(3, np.int64).astype(code)
    with pytest.raises(TypeError):
        operation(*[x] * operation.arrays)


@EACH_OPERATION
def test_wrong_number_of_arguments(operation):
    with pytest.raises(TypeError):
        operation.function()
    with pytest.raises(TypeError):
        operation.function(*[1.0] * 9)
    with pytest.raises(TypeError):
        operation(*[1.0] * operation.arrays, no_such_argument=1)


def test_without_parameters_it_is_a_ufunc():
    for operation in operations():
        if not operation.record.parameters:
            assert isinstance(operation.function, np.ufunc)
            assert operation.function.nin == operation.arrays
            assert operation.function.nout == 1


def test_other_array_types_are_respected():
    class Labelled(np.ndarray):
        pass

    assert type(rv.gelu(np.zeros(3).view(Labelled))) is Labelled

    class Deferring:
        def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
            return ufunc.__name__, method

    assert rv.gelu(Deferring()) == ("gelu", "__call__")
    assert rv.leaky_relu(Deferring())[1] == "__call__"


PARAMETRISED = [o for o in operations() if o.record.parameters]
EACH_PARAMETRISED = pytest.mark.parametrize("operation", PARAMETRISED, ids=str)


def with_parameter(operation, arrays, value, **keywords):
    """The operation with its first parameter set and the others at their defaults."""
    rest = operation.parameters[1:]
    return operation.function(*arrays, value, *rest, **keywords)


@EACH_DTYPE
@EACH_PARAMETRISED
def test_parameter_per_channel(operation, dtype):
    arrays = [a.reshape(7, 30) for a in operands(operation, 210, dtype)]
    channels = np.linspace(0.05, 0.5, 7).astype(dtype)
    got = with_parameter(operation, arrays, channels[:, np.newaxis])
    rows = [
        with_parameter(operation, [a[i] for a in arrays], channels[i]) for i in range(len(channels))
    ]
    check_same_bits(got, np.stack(rows), f"{operation}, a parameter per row")
    along = np.linspace(0.05, 0.5, 30).astype(dtype)
    columns = [
        with_parameter(operation, [a[:, j] for a in arrays], along[j]) for j in range(len(along))
    ]
    got = with_parameter(operation, arrays, along)
    check_same_bits(got, np.stack(columns, axis=1), f"{operation}, a parameter per column")
    every_second = with_parameter(operation, arrays, every_other(along))
    check_same_bits(every_second, got, f"{operation}, a strided parameter")


@EACH_DTYPE
@EACH_PARAMETRISED
def test_parameter_per_element_at_every_length(operation, dtype):
    lanes = 64 // np.dtype(dtype).itemsize
    parameter = np.abs(distinct(600, dtype, 9)) / 8 + dtype(0.01)
    arrays = (*operands(operation, 600, dtype), parameter)
    sizes = [*range(2 * lanes + 2), 255, 256, 257, 513]
    rest = operation.parameters[1:]
    check_lanes(str(operation), lambda *a, **k: operation.function(*a, *rest, **k), arrays, sizes)


@EACH_PARAMETRISED
def test_parameters_by_position_by_name_and_by_default(operation):
    arrays = operands(operation, 50, np.float32)
    names = list(operation.record.parameters)
    values = operation.parameters
    by_position = operation.function(*arrays, *values)
    by_name = operation.function(*arrays, **dict(zip(names, values, strict=True)))
    check_same_bits(by_name, by_position, f"{operation}, by name")
    if None not in operation.record.parameters.values():
        check_same_bits(operation.function(*arrays), by_position, f"{operation}, by default")
    other = with_parameter(operation, arrays, 0.75)
    assert np.any(bits(other) != bits(by_position)), f"{operation} ignores its parameter"


@EACH_PARAMETRISED
def test_wrong_parameters(operation):
    arrays = operands(operation, 4, np.float32)
    name = next(iter(operation.record.parameters))
    with pytest.raises(TypeError):
        operation.function(*arrays, *operation.parameters, **{name: 1.0})
    with pytest.raises(TypeError):
        operation.function(*arrays, *operation.parameters, 1.0)
    with pytest.raises(TypeError):
        with_parameter(operation, arrays, 1j)
    with pytest.raises(TypeError):
        with_parameter(operation, arrays, "large")
    with pytest.raises(ValueError, match="broadcast"):
        with_parameter(operation, arrays, np.ones(3, np.float32))


@pytest.mark.parametrize("slope", [0.0, 0.25, 1.0, 2.0])
def test_leaky_relu_follows_its_slope(slope):
    x = np.array([-4.0, -0.0, 0.0, 3.0])
    assert np.array_equal(rv.leaky_relu(x, slope), np.where(x > 0, x, slope * x))
    assert np.array_equal(rv.derivative.leaky_relu(x, slope), np.where(x > 0, 1, slope))
    check_special_values(
        "leaky_relu", lambda v: rv.leaky_relu(v, 0.5), {-np.inf: -np.inf, np.inf: np.inf}, "f4"
    )


def test_a_slope_is_rounded_to_float16_first():
    x = -np.arange(1, 2000, dtype=np.float16)
    rounded, exact = (
        (x.astype(np.float32) * np.float32(slope)).astype(np.float16)
        for slope in (np.float16(0.01), 0.01)
    )
    check_same_bits(rv.leaky_relu(x, 0.01), rounded, "leaky_relu of float16")
    assert np.any(rounded != exact)
    for form in (rv, rv.derivative, rv.vjp, rv.vjp_from_output):
        text = " ".join(form.leaky_relu.__doc__.split())
        assert "rounded to the dtype of the result first" in text


def test_where_the_output_does_not_tell_the_derivative_the_docs_say_so():
    one, minus_one = np.ones(1), -np.ones(1)
    assert rv.leaky_relu(minus_one, -1.0) == rv.leaky_relu(one, -1.0)
    assert rv.vjp.leaky_relu(one, minus_one, -1.0) == -1
    assert rv.vjp_from_output.leaky_relu(one, one, -1.0) == 1
    assert "use vjp.leaky_relu there" in rv.vjp_from_output.leaky_relu.__doc__
    assert "negative slope" in rv.vjp_from_output.__doc__


def test_kinks_have_the_derivative_of_autograd():
    zeros = np.array([0.0, -0.0])
    assert np.array_equal(rv.derivative.relu(zeros), [0, 0])
    assert np.array_equal(rv.derivative.leaky_relu(zeros, 0.1), [0.1, 0.1])


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "gelu"])
def test_ufunc_methods(name):
    function = getattr(rv, name)
    x = distinct(20, np.float64).reshape(4, 5)
    expected = x.copy()
    expected[1] = function(x[1])
    function.at(x, 1)
    check_same_bits(x, expected, f"{name}.at")
    assert operator.attrgetter("types")(function) == ["e->e", "f->f", "d->d"]
