"""The native object of an optimizer: what it keeps, what it looks at again, and what it refuses."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import threading
import weakref

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from isa_outputs import OPTIMIZERS
from ranvier import nn, optim
from ranvier._native import _core

EACH = pytest.mark.parametrize("name", OPTIMIZERS)
GROUP = {"lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 0, "nesterov": False}


def arrays(dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in ((3, 4), (), (7,), (0,))]


def make(name, params=None, **options):
    return getattr(optim, name)(params or arrays(), **{"lr": 0.01, **OPTIMIZERS[name], **options})


def params_of(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def check_goes_on_alike(one, two):
    for t in range(3):
        for optimizer in (one, two):
            optimizer.step(arrays(params_of(optimizer)[0].dtype, seed=10 + t))
    for mine, other in zip(params_of(one), params_of(two), strict=True):
        assert not np.shares_memory(mine, other)
        check_same_bits(mine, other, "parameter")
    assert repr(one.state_dict()) == repr(two.state_dict())


def joblib_copy(value):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(value, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "pickle, first protocol": lambda value: pickle.loads(pickle.dumps(value, 2)),
    "deepcopy": copy.deepcopy,
    "joblib": joblib_copy,
}


@EACH
@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_copy_goes_on_with_the_same_bits(name, how, steps, dtype):
    optimizer = make(name, arrays(dtype))
    for t in range(steps):
        optimizer.step(arrays(dtype, seed=t))
    check_goes_on_alike(COPIES[how](optimizer), optimizer)
    again = COPIES[how](optimizer)  # of one whose native object is in use
    check_goes_on_alike(COPIES[how](again), optimizer if not steps else again)


# joblib makes a copy of an array for each place that holds it.
@pytest.mark.parametrize("how", [how for how in COPIES if how != "joblib"])
def test_a_copied_pair_of_model_and_optimizer_stays_a_pair(how):
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1))
    optimizer = optim.Adam(model.parameters())
    optimizer.step([np.ones_like(p) for p in model.parameters()])
    other, of_other = COPIES[how]((model, optimizer))
    before = [p.copy() for p in other.parameters()]
    of_other.step([np.ones_like(p) for p in before])
    for p, was in zip(other.parameters(), before, strict=True):
        assert not np.array_equal(p, was)


def test_a_schedule_knows_the_steps_of_a_copy():
    optimizer = make("Adam")
    optimizer.step(arrays())
    assert pickle.loads(pickle.dumps(optimizer))._steps_taken == 1


@EACH
def test_options_are_read_at_each_step(name):
    """As an optimizer has it that was loaded with them."""
    one = make(name)
    rate = {"Rprop": "etas"}.get(name, "lr")
    values = [(0.4, 1.3), (0.3, 1.5)] if name == "Rprop" else [0.02, 0.5]
    for t, value in enumerate(values):
        one.param_groups[0][rate] = value
        fresh = make(name, [p.copy() for p in params_of(one)])
        fresh.load_state_dict(one.state_dict())
        for optimizer in (one, fresh):
            optimizer.step(arrays(seed=t))
        for mine, other in zip(params_of(one), params_of(fresh), strict=True):
            check_same_bits(mine, other, f"{rate}={value}")


@pytest.mark.parametrize(
    ("option", "given", "change", "after"),
    [
        ("lr", np.array(0.1), lambda x: x.fill(0.5), 0.5),
        ("lr", np.array([0.1])[0:1].reshape(()), lambda x: x.fill(0.25), 0.25),
        ("betas", [0.9, 0.999], lambda x: x.__setitem__(0, 0.5), (0.5, 0.999)),
        ("betas", (np.array(0.9), 0.999), lambda x: x[0].fill(0.5), (0.5, 0.999)),
    ],
)
def test_an_option_that_changes_in_place_is_seen(option, given, change, after):
    one, two = make("AdamW"), make("AdamW")
    one.param_groups[0][option] = given
    two.param_groups[0][option] = copy.deepcopy(given)
    for optimizer in (one, two):
        optimizer.step(arrays(seed=1))
    change(given)
    two.param_groups[0][option] = after
    for optimizer in (one, two):
        optimizer.step(arrays(seed=2))
    for mine, other in zip(params_of(one), params_of(two), strict=True):
        check_same_bits(mine, other, option)


def test_maximize_is_read_at_each_step():
    x = np.ones(3)
    optimizer = optim.SGD([x], lr=0.5)
    optimizer.step([np.ones(3)])
    optimizer.param_groups[0]["maximize"] = True
    optimizer.step([np.ones(3)])
    np.testing.assert_array_equal(x, 1)
    optimizer.param_groups[0]["maximize"] = "no"
    with pytest.raises(TypeError, match="maximize is 'no'; expected True or False"):
        optimizer.step([np.ones(3)])
    np.testing.assert_array_equal(x, 1)


def test_a_momentum_that_is_switched_on_begins_with_the_gradient():
    """The first step that has a buffer fills it, without the dampening."""
    late, early = np.ones(3), np.ones(3)
    optimizer = optim.SGD([late], lr=0.5, dampening=0.5)
    optimizer.step([np.ones(3)])
    optimizer.param_groups[0]["momentum"] = 0.9
    early[...] = late
    other = optim.SGD([early], lr=0.5, momentum=0.9, dampening=0.5)
    for _ in range(3):
        for each in (optimizer, other):
            each.step([np.ones(3)])
    check_same_bits(late, early, "switched on")


@EACH
def test_an_array_that_takes_the_place_of_a_parameter_is_updated(name):
    """With the state of the one before."""
    one, two = make(name), make(name)
    for optimizer in (one, two):
        optimizer.step(arrays(seed=1))
    before = params_of(one)[0]
    kept = before.copy()
    one.param_groups[0]["params"][0] = before.copy()
    check_goes_on_alike(one, two)
    check_same_bits(before, kept, "the array that is no parameter any more")


def unusable(kind, p):
    """Make a parameter one that cannot be updated, or not as it was described."""
    if kind == "read-only":
        p.flags.writeable = False
    elif kind == "resized":
        p.resize((200, 3), refcheck=False)
    elif kind == "reshaped":
        p.shape = (12,)
    elif kind == "other dtype":
        p.dtype = np.int32
    elif kind == "strides":
        p.strides = (4, 4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", ["read-only", "resized", "reshaped", "other dtype", "strides"])
@pytest.mark.parametrize("name", ["Adam", "LAMB", "Rprop"])
def test_a_parameter_that_is_no_longer_what_it_was(name, kind):
    params = [np.arange(12, dtype=np.float32).reshape(3, 4).copy(), np.ones(5, np.float32)]
    gradients = [np.ones((3, 4), np.float32), np.ones(5, np.float32)]
    optimizer = make(name, params)
    optimizer.step(gradients)
    unusable(kind, params[0])
    before = [p.tobytes() for p in params]
    state = repr(optimizer.state_dict())
    with pytest.raises((ValueError, TypeError), match=r"\[0\]"):
        optimizer.step(gradients)
    assert [p.tobytes() for p in params] == before
    assert repr(optimizer.state_dict()) == state


def test_a_parameter_whose_memory_has_moved():
    """It is the same array of the same shape, and what it had is no longer its own."""
    x = np.ones(3)
    optimizer = optim.SGD([x], lr=0.5)
    optimizer.step([np.ones(3)])
    before = x.ctypes.data
    x.resize(10_000_000, refcheck=False)
    x.resize(3, refcheck=False)
    assert x.ctypes.data != before
    optimizer.step([np.ones(3)])
    np.testing.assert_array_equal(x, 0)


def test_fewer_groups_and_more():
    a, b, c = np.ones(2), np.ones(3), np.ones(4)
    optimizer = optim.Adam([{"params": [a]}, {"params": [b]}])
    optimizer.step([a * 0 + 1, b * 0 + 1])
    last = optimizer.param_groups.pop()
    optimizer.step([np.ones(2)])
    assert optimizer.state_dict()["state"].keys() == {0}
    optimizer.param_groups.append({**last, "params": [c]})
    with pytest.raises(ValueError, match="states has 1 dicts; expected 2"):
        optimizer.step([np.ones(2), np.ones(4)])
    np.testing.assert_array_equal(c, 1)
    for junk in (None, 3, {"params": [np.ones(2)]}, [c]):
        optimizer.param_groups[0] = junk
        with pytest.raises((TypeError, KeyError, ValueError, AttributeError)):
            optimizer.step([np.ones(2)])


def test_it_keeps_its_arrays_alive_and_no_gradient():
    class Array(np.ndarray):
        pass

    parameter, gradient = (np.ones(4).view(Array) for _ in range(2))
    alive, of_gradient = weakref.ref(parameter), weakref.ref(gradient)
    native = _core.Optimizer("sgd", [{"params": [parameter]}], [{}])
    groups = [{**GROUP, "maximize": False, "params": [parameter]}]
    assert native.step(groups, [gradient], 1.0)
    del parameter, gradient, groups
    gc.collect()
    assert alive() is not None and of_gradient() is None
    del native
    gc.collect()
    assert alive() is None


def test_a_step_within_a_step_is_refused():
    refused = []

    class Number:
        def __float__(self):
            try:
                optimizer._native.step(optimizer.param_groups, gradients, 1.0)
            except RuntimeError as error:
                refused.append(str(error))
                raise
            return 0.5

    params, gradients = [np.ones(3)], [np.ones(3)]
    optimizer = optim.SGD(params)
    optimizer.param_groups[0]["momentum"] = Number()
    with pytest.raises(TypeError, match=r"momentum is .*; expected a number"):
        optimizer.step(gradients)
    assert refused == ["the optimizer is called from within its own step"]
    np.testing.assert_array_equal(params[0], 1)
    optimizer.param_groups[0]["momentum"] = 0.0
    optimizer.step(gradients)
    assert params[0][0] < 1


def test_an_option_that_changes_the_groups_while_it_is_read():
    class Number:
        def __float__(self):
            optimizer.param_groups[0]["params"].clear()
            return 0.5

    parameter = np.ones(3)
    optimizer = optim.SGD([parameter])
    optimizer.param_groups[0]["lr"] = Number()
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        optimizer.step([np.ones(3)])
    np.testing.assert_array_equal(parameter, 1)


def test_threads_take_turns():
    """No step is lost, though most of them run without the interpreter's lock."""
    x = np.zeros(200_000)
    optimizer = optim.SGD([x], lr=1.0)
    gradient = [np.ones(x.size)]

    def work():
        for _ in range(50):
            optimizer.step(gradient)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(x, -200)


@EACH
def test_tensors_of_both_precisions_and_of_many_sizes(name):
    """In one object they get the bits that they get alone, on any number of threads."""
    sizes = [(70_001,), (3,), (0,), (40_000, 2), (16_384,), (16_385,)]
    dtypes = [np.float32, np.float64, np.float32, np.float64, np.float32, np.float64]

    def params():
        rng = np.random.default_rng(5)
        return [rng.normal(size=n).astype(d) for n, d in zip(sizes, dtypes, strict=True)]

    gradients = [np.cos(7 * p).astype(p.dtype) for p in params()]
    alone = params()
    for p, g in zip(alone, gradients, strict=True):
        one = make(name, [p])
        for _ in range(3):
            one.step([g])
    for count in (1, 3):
        together = params()
        groups = [{"params": together[:3]}, {"params": together[3:]}]
        optimizer = make(name, groups)
        with rv.num_threads(count):
            for _ in range(3):
                optimizer.step(gradients)
        for got, expected in zip(together, alone, strict=True):
            check_same_bits(got, expected, f"{count} threads")


def native(**changes):
    """Arguments of a native optimizer that is right, but for the changes."""
    parameter = np.ones(3)
    right = {
        "rule": "adam",
        "groups": [{"params": [parameter]}],
        "states": [{"steps": 1, "arrays": {n: [np.ones(3)] for n in ("exp_avg", "exp_avg_sq")}}],
    }
    return _core.Optimizer(**{**right, **changes})


def state(**arrays):
    return [{"steps": 1, "carried": {}, "arrays": arrays}]


SHARED = np.ones(3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"rule": "adm"}, ValueError, "rule is 'adm'; expected"),
        ({"groups": [3]}, TypeError, "a group is a int; expected a dict"),
        ({"groups": [{}]}, KeyError, "params"),
        ({"groups": [{"params": (np.ones(3),)}]}, TypeError, "are a tuple|is a tuple"),
        ({"groups": []}, ValueError, "states has 1 dicts; expected 0"),
        ({"states": []}, ValueError, "states has 0 dicts; expected 1"),
        ({"states": [None]}, TypeError, "a state is a NoneType; expected a dict"),
        ({"states": [{"steps": -1}]}, ValueError, "steps is -1; expected 0"),
        ({"states": [{"steps": 2**53 + 1}]}, ValueError, "steps is 9007199254740993; expected 0"),
        ({"states": [{"steps": 10**30}]}, ValueError, "steps is 1000"),
        ({"states": [{"steps": "1"}]}, TypeError, "integer"),
        ({"states": [{"arrays": []}]}, TypeError, "arrays is a list; expected a dict"),
        ({"states": [{"carried": 3}]}, TypeError, "carried is a int; expected a dict"),
        ({"states": state(exp_avg=np.ones(3))}, TypeError, "exp_avg is a numpy.ndarray; exp"),
        ({"states": state(exp_avg=[])}, ValueError, "exp_avg has 0 arrays; expected 1"),
        ({"states": state(exp_avg=[np.ones(4)])}, ValueError, r"state\[0\] has shape \(4,\)"),
        ({"states": state(exp_avg=[np.ones((3, 1))])}, ValueError, r"shape \(3, 1\); .*\(3,\)"),
        ({"states": state(exp_avg=[np.ones(3, "f4")])}, TypeError, r"state\[0\] has dtype float32"),
        ({"states": state(exp_avg=[np.ones(6)[::2]])}, ValueError, "not C-contiguous"),
        ({"states": state(exp_avg=[None])}, TypeError, r"state\[0\] is a NoneType"),
        ({"states": state(other=[np.ones(3)])}, ValueError, "arrays has .'other'.; expected"),
        (
            {"states": state(exp_avg=[SHARED], exp_avg_sq=[SHARED])},
            ValueError,
            r"state\[0\] and state\[0\] overlap in memory",
        ),
        (
            {"groups": [{"params": [SHARED]}], "states": state(exp_avg=[SHARED])},
            ValueError,
            r"overlap in memory; expected each once",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused(changes, error, message):
    native()
    with pytest.raises(error, match=message):
        native(**changes)
    np.testing.assert_array_equal(SHARED, 1)


def test_a_gradient_in_the_memory_of_a_state_is_refused():
    parameter, buffer = np.ones(3), np.ones(3)
    with pytest.raises(ValueError, match=r"grads\[0\] overlaps state\[0\] in memory"):
        optim.functional.sgd(parameter, buffer, buffer, step=2, momentum=0.9)
    np.testing.assert_array_equal([parameter, buffer], 1)


def test_carried_numbers_are_all_given_or_none():
    group = [{"params": [np.ones(2)]}]
    with pytest.raises(KeyError, match="mu"):
        _core.Optimizer("asgd", group, [{"carried": {"eta": 0.1}}])
    with pytest.raises(TypeError, match="real number"):
        _core.Optimizer("asgd", group, [{"carried": {"eta": 0.1, "mu": "1"}}])
    made = _core.Optimizer("asgd", group, [{"carried": {"eta": 0.25, "mu": 0.5}}])
    assert made.states()[0]["carried"] == {"eta": 0.25, "mu": 0.5}
