"""The optimizers against plain transcriptions, and all that is around a step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import ranvier as rv
import reference_optim
from checks import check_same_bits, check_silent
from ranvier import optim
from ranvier.optim.rules import RULES as ROWS


def combinations(**choices):
    """Every combination of the choices, as keyword arguments."""
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


BETAS = [(0.9, 0.999), (0.0, 0.5)]
EITHER = {"weight_decay": [0, 0.1], "maximize": [False, True]}
BAD_RATE = [
    ({"lr": -1.0}, ValueError, "lr is -1.0; expected 0 <= lr"),
    ({"lr": np.nan}, ValueError, "lr is nan"),
    ({"lr": np.inf}, ValueError, "lr is inf"),
    ({"lr": "fast"}, TypeError, "lr is 'fast'"),
]
BAD_DECAY = [({"weight_decay": -1}, ValueError, "weight_decay is -1")]
BAD_EPS = [({"eps": -1e-8}, ValueError, "eps is -1e-08")]
BAD_BETAS = [
    ({"betas": (1.0, 0.9)}, ValueError, r"betas\[0\] is 1.0; expected 0 <= betas\[0\] < 1"),
    ({"betas": (0.9, -0.1)}, ValueError, r"betas\[1\] is -0.1"),
    ({"betas": 0.9}, TypeError, "betas is 0.9; expected two numbers"),
    ({"betas": (0.9,)}, TypeError, "expected two numbers"),
]
BAD_ADAM = BAD_RATE + BAD_DECAY + BAD_EPS + BAD_BETAS

# Class, options to try, and hyperparameters that are refused with what is said. The transcription
# is the function of reference_optim with the class's name in small letters.
RULES = [
    (
        optim.SGD,
        [
            options
            for options in combinations(
                lr=[0.05],
                momentum=[0, 0.9],
                dampening=[0, 0.3],
                nesterov=[False, True],
                **EITHER,
            )
            if not (options["nesterov"] and (options["dampening"] or not options["momentum"]))
        ],
        [
            *BAD_RATE,
            *BAD_DECAY,
            ({"momentum": -0.1}, ValueError, "momentum is -0.1"),
            ({"dampening": None}, TypeError, "dampening is None"),
            ({"nesterov": True}, ValueError, "nesterov is True with momentum 0 and dampening 0"),
            ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "dampening 0.1"),
        ],
    ),
    (
        optim.ASGD,
        combinations(lr=[0.05], lambd=[1e-4, 0.1], alpha=[0.75, 1.0], t0=[1e6, 10], **EITHER),
        [*BAD_RATE, *BAD_DECAY, ({"lambd": -1}, ValueError, "lambd is -1")],
    ),
    (
        optim.Rprop,
        combinations(
            lr=[0.01],
            etas=[(0.5, 1.2), (0.3, 1.5)],
            step_sizes=[(1e-6, 50), (1e-3, 0.05)],
            maximize=[False, True],
        ),
        [
            *BAD_RATE,
            ({"etas": (0.5, 1.0)}, ValueError, r"etas is \(0.5, 1.0\); expected 0 < etas\[0\] < 1"),
            ({"etas": (0, 1.2)}, ValueError, r"etas is \(0, 1.2\)"),
            ({"etas": 1.2}, TypeError, "etas is 1.2; expected two numbers"),
            ({"step_sizes": (-1, 1)}, ValueError, r"step_sizes\[0\] is -1"),
        ],
    ),
    (
        optim.Adagrad,
        combinations(
            lr=[0.1],
            lr_decay=[0, 0.1],
            initial_accumulator_value=[0, 0.5],
            eps=[1e-10, 0.1],
            **EITHER,
        ),
        [
            *BAD_RATE,
            *BAD_DECAY,
            *BAD_EPS,
            ({"lr_decay": -1}, ValueError, "lr_decay is -1"),
            ({"initial_accumulator_value": -1}, ValueError, "initial_accumulator_value is -1"),
        ],
    ),
    (
        optim.Adadelta,
        combinations(lr=[1.0, 0.3], rho=[0.9, 0.5], eps=[1e-6, 0.1], **EITHER),
        [
            *BAD_RATE,
            *BAD_DECAY,
            *BAD_EPS,
            ({"rho": 1.1}, ValueError, "rho is 1.1; expected 0 <= rho <= 1"),
        ],
    ),
    (
        optim.RMSprop,
        combinations(
            lr=[0.01],
            alpha=[0.99, 0.5],
            eps=[1e-8, 0.1],
            momentum=[0, 0.9],
            centered=[False, True],
            **EITHER,
        ),
        [
            *BAD_RATE,
            *BAD_DECAY,
            *BAD_EPS,
            ({"alpha": -1}, ValueError, "alpha is -1"),
            ({"momentum": -1}, ValueError, "momentum is -1"),
        ],
    ),
    (
        optim.Adam,
        combinations(
            lr=[0.02],
            betas=BETAS,
            eps=[1e-8, 0.1],
            amsgrad=[False, True],
            decoupled_weight_decay=[False, True],
            eps_hat=[False, True],
            **EITHER,
        ),
        BAD_ADAM,
    ),
    (
        optim.AdamW,
        combinations(lr=[0.02], betas=BETAS, eps=[1e-8, 0.1], amsgrad=[False, True], **EITHER),
        BAD_ADAM,
    ),
    (optim.Adamax, combinations(lr=[0.02], betas=BETAS, eps=[1e-8, 0.1], **EITHER), BAD_ADAM),
    (
        optim.NAdam,
        combinations(
            lr=[0.02],
            betas=BETAS,
            eps=[1e-8, 0.1],
            momentum_decay=[4e-3, 0.1],
            decoupled_weight_decay=[False, True],
            **EITHER,
        ),
        [*BAD_ADAM, ({"momentum_decay": -1}, ValueError, "momentum_decay is -1")],
    ),
    (
        optim.RAdam,
        combinations(
            lr=[0.02],
            betas=BETAS,
            eps=[1e-8, 0.1],
            decoupled_weight_decay=[False, True],
            **EITHER,
        ),
        BAD_ADAM,
    ),
    (optim.Lion, combinations(lr=[0.01], betas=BETAS, **EITHER), BAD_RATE + BAD_DECAY + BAD_BETAS),
    (optim.LAMB, combinations(lr=[0.02], betas=BETAS, eps=[1e-6, 0.1], **EITHER), BAD_ADAM),
]
CASES = [
    pytest.param(cls, options, id=f"{cls.__name__}-{i}")
    for cls, several, _ in RULES
    for i, options in enumerate(several)
]
EACH_CASE = pytest.mark.parametrize(("cls", "options"), CASES)
CLASSES = [cls for cls, *_ in RULES]
EACH_CLASS = pytest.mark.parametrize("cls", CLASSES)
SHAPES = [(3, 5), (), (17,), (0,), (1,)]


def parameters(seed=0, shapes=SHAPES, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in shapes]


def gradients_at(params, t):
    """Of no function in particular, with zeros and changes of sign."""
    return [np.asarray(np.sin(7.0 * p + t) * (np.cos(3.0 * t + p) > -0.5)) for p in params]


def transcription(cls):
    return getattr(reference_optim, cls.__name__.lower())


def test_every_optimizer_is_here():
    classes = {value for value in vars(optim).values() if isinstance(value, type)}
    assert classes - {optim.Optimizer} == set(CLASSES)
    rules = {cls._rule.name for cls in CLASSES}
    assert rules == ROWS.keys() - {"ema"}
    assert rules == set(optim.functional.__all__)


@EACH_CASE
def test_hundred_steps(cls, options):
    reference = transcription(cls)
    params = parameters()
    expected = [p.copy() for p in params]
    states = [{} for _ in params]
    optimizer = cls(params, **options)
    addresses = [p.ctypes.data for p in params]
    for t in range(100):
        grads = gradients_at(expected, t)
        before = [g.copy() for g in grads]
        optimizer.step(grads)
        for i, g in enumerate(before):
            check_same_bits(grads[i], g, "the caller's gradient")
            expected[i], states[i] = reference(expected[i], g, states[i], **options)
    for p, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(p, e, rtol=1e-12, atol=1e-12)
    assert [p.ctypes.data for p in params] == addresses
    saved = optimizer.state_dict()["state"]
    for i, state in enumerate(states):
        assert saved.get(i, {}).keys() == state.keys()
        for name, value in state.items():
            np.testing.assert_allclose(saved[i][name], value, rtol=1e-11, atol=1e-13)


@EACH_CASE
def test_float32_follows_float64(cls, options):
    reference = transcription(cls)
    params = parameters(dtype=np.float32)
    expected = [p.astype(np.float64) for p in params]
    states = [{} for _ in params]
    optimizer = cls(params, **options)
    for t in range(10):
        grads = [np.asarray(g, np.float32) for g in gradients_at(expected, t)]
        optimizer.step(grads)
        for i, g in enumerate(grads):
            expected[i], states[i] = reference(
                expected[i], g.astype(np.float64), states[i], **options
            )
    for p, e in zip(params, expected, strict=True):
        assert p.dtype == np.float32
        np.testing.assert_allclose(p, e, rtol=3e-6, atol=3e-6)


@EACH_CASE
def test_state_round_trip(cls, options):
    """Stopped and resumed, bit for bit what it would have been."""
    params, copied = parameters(), parameters()
    through, resumed = cls(params, **options), cls(copied, lr=0.5)
    for t in range(5):
        through.step(gradients_at(params, t))
    for p, c in zip(params, copied, strict=True):
        c[...] = p
    saved = through.state_dict()
    resumed.load_state_dict(saved)
    assert resumed.param_groups[0].keys() == through.param_groups[0].keys()
    again = resumed.state_dict()
    assert again["param_groups"] == saved["param_groups"]
    assert again["state"].keys() == saved["state"].keys()
    for t in range(5, 10):
        grads = gradients_at(params, t)
        through.step(grads)
        resumed.step(grads)
    for p, c in zip(params, copied, strict=True):
        check_same_bits(c, p, "resumed")


@EACH_CLASS
@pytest.mark.parametrize("sizes", [(10_003,), (50_003,), (30_000, 17, 40_000)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
def test_same_bits_on_any_number_of_threads(cls, sizes, dtype):
    results = []
    for count in (1, 2, 4):
        params = parameters(shapes=[(n,) for n in sizes], dtype=dtype)
        optimizer = cls(params, lr=0.1, **({} if cls is optim.Rprop else {"weight_decay": 0.01}))
        with rv.num_threads(count):
            for t in range(3):
                optimizer.step([g.astype(dtype) for g in gradients_at(params, t)], max_norm=1.0)
        results.append([p.tobytes() for p in params])
    assert results[0] == results[1] == results[2]


# LAMB goes by the norm of each array.
@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not optim.LAMB])
def test_position_in_the_array_does_not_matter(cls):
    """One long tensor, and the same cut in pieces of every length."""
    whole, pieces = parameters(shapes=[(600,)], dtype=np.float32)[0], []
    rest = whole.copy()
    for n in range(1, 34):
        piece, rest = rest[:n], rest[n:]
        pieces.append(piece)
    whole = whole[: sum(p.size for p in pieces)].copy()
    one, many = cls([whole], lr=0.1), cls(pieces, lr=0.1)
    for t in range(3):
        grad = np.sin(np.arange(whole.size, dtype=np.float32) + t)
        one.step([grad])
        many.step(np.split(grad, np.cumsum([p.size for p in pieces])[:-1]))
    check_same_bits(np.concatenate(pieces), whole, "in pieces")


# Options with which a state is halved at each step without a gradient.
DECAYING = [
    (optim.SGD, {"momentum": 0.5}),
    (optim.Adadelta, {"rho": 0.5}),
    (optim.RMSprop, {"alpha": 0.5, "momentum": 0.5, "centered": True}),
    *(
        (cls, {"betas": (0.5, 0.5)})
        for cls in (optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.Lion, optim.LAMB)
    ),
]


@pytest.mark.parametrize(("cls", "options"), DECAYING)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
def test_state_without_gradient_decays_to_zero(cls, options, dtype):
    """And does not stay among the subnormal numbers, with which arithmetic is slow."""
    params = [np.ones(5, dtype)]
    optimizer = cls(params, **options)
    optimizer.step([np.full(5, 1e-3, dtype)])
    for _ in range(1100):
        optimizer.step([np.zeros(5, dtype)])
    for name, state in optimizer.state_dict()["state"][0].items():
        assert not isinstance(state, np.ndarray) or np.all(state == 0), name
    assert np.all(np.isfinite(params[0]))


def rosenbrock_gradient(x):
    return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])


# Options that reach the minimum of a function, and the steps that takes, for each optimizer.
ROSENBROCK = [
    (optim.SGD, {"lr": 1e-3, "momentum": 0.9}, 5000),
    (optim.SGD, {"lr": 1e-3, "momentum": 0.9, "nesterov": True}, 5000),
    (optim.ASGD, {"lr": 1.5e-3, "lambd": 0, "alpha": 0}, 20_000),
    (optim.Rprop, {"lr": 1e-3, "etas": (0.5, 1.1)}, 5000),
    (optim.Adagrad, {"lr": 0.5}, 10_000),
    (optim.Adadelta, {"lr": 0.3, "eps": 1e-8}, 20_000),
    (optim.RMSprop, {"lr": 1e-3}, 10_000),
    (optim.RMSprop, {"lr": 1e-4, "momentum": 0.9, "centered": True}, 10_000),
    (optim.Adam, {"lr": 0.02}, 5000),
    (optim.Adam, {"lr": 0.02, "amsgrad": True}, 20_000),
    (optim.AdamW, {"lr": 0.02, "weight_decay": 0}, 5000),
    (optim.Adamax, {"lr": 0.02}, 10_000),
    (optim.NAdam, {"lr": 0.005}, 10_000),
    (optim.RAdam, {"lr": 0.005}, 10_000),
    (optim.Lion, {"lr": 3e-4}, 10_000),
    (optim.LAMB, {"lr": 3e-3}, 10_000),
]


COARSE = (optim.Adadelta, optim.LAMB)


@pytest.mark.parametrize(("cls", "options", "steps"), ROSENBROCK)
def test_finds_the_minimum_of_rosenbrock(cls, options, steps):
    x = np.array([-1.2, 1.0])
    optimizer = cls([x], **options)
    for _ in range(steps):
        optimizer.step([rosenbrock_gradient(x)])
    # Adadelta has no rate of its own and LAMB's steps do not shrink: they end around the minimum.
    np.testing.assert_allclose(x, [1, 1], atol=2e-2 if cls in COARSE else 2e-3)


@EACH_CLASS
def test_descends_an_ill_conditioned_quadratic(cls):
    """x' H x / 2 with eigenvalues from 1 to 1000, with a rate that falls to a hundredth."""
    curvature = np.geomspace(1, 1000, 20)
    x = np.ones(20)
    first = {
        optim.SGD: 1.8e-3,
        optim.ASGD: 1.8e-3,
        optim.Adagrad: 0.3,
        optim.Adadelta: 3.0,
        optim.RAdam: 3e-3,  # its first steps are those of SGD
    }.get(cls, 0.03)
    momentum = {"momentum": 0.9} if cls is optim.SGD else {}
    optimizer = cls([x], lr=first, **momentum)
    steps = 3000
    for t in range(steps):
        optimizer.lr = first * 0.01 ** (t / steps)
        optimizer.step([curvature * x])
    assert curvature @ x**2 < 5e-3 * curvature.sum()


@EACH_CLASS
def test_maximize_goes_up(cls):
    x = np.array([3.0])
    optimizer = cls([x], lr=1 if cls in (optim.Adagrad, optim.Adadelta) else 0.1, maximize=True)
    for _ in range(3000):
        optimizer.step([-2 * x])
    np.testing.assert_allclose(x, 0, atol=0.06)  # half of the rate, for RMSprop


@EACH_CLASS
def test_groups_have_options_of_their_own(cls):
    a, b, c = parameters(shapes=[(4,), (5,), (6,)])
    grouped = cls([{"params": [a, b]}, {"params": c, "lr": 0.5}], lr=0.1)
    apart = parameters(shapes=[(4,), (5,), (6,)])
    first, second = cls(apart[:2], lr=0.1), cls(apart[2:], lr=0.5)
    late, late_apart = np.ones(3), np.ones(3)
    for t in range(6):
        if t == 3:
            own = {"etas": (0.3, 1.5)} if cls is optim.Rprop else {"weight_decay": 0.1}
            grouped.add_param_group({"params": [late], **own})
            third = cls([late_apart], lr=0.1, **own)
        params = [a, b, c, late][: 3 if t < 3 else 4]
        grads = gradients_at(params, t)
        grouped.step(grads)
        first.step(grads[:2])
        second.step(grads[2:3])
        if t >= 3:
            third.step(grads[3:])
    for got, expected in zip([a, b, c, late], [*apart, late_apart], strict=True):
        check_same_bits(got, expected, "grouped")
    restored = cls([{"params": [a, b]}, {"params": [c]}, {"params": [late]}])
    restored.load_state_dict(grouped.state_dict())
    assert [group["lr"] for group in restored.param_groups] == [0.1, 0.5, 0.1]
    assert restored.state_dict()["param_groups"][2]["params"] == [3]


def test_lr_reads_and_sets():
    optimizer = optim.SGD([{"params": [np.ones(2)], "lr": 0.5}, {"params": [np.ones(3)]}], lr=0.1)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
    with pytest.raises(ValueError, match="lr is -1"):
        optimizer.lr = -1
    assert optimizer.lr == 0.25


def test_parameters_by_name():
    params = {"weight": np.ones((2, 3), np.float32), "bias": np.zeros(3)}  # of two precisions
    optimizer = optim.SGD(params, lr=0.5)
    optimizer.step({"bias": np.full(3, 2.0), "weight": np.ones((2, 3), np.float32)})
    np.testing.assert_array_equal(params["weight"], np.full((2, 3), 0.5))
    np.testing.assert_array_equal(params["bias"], np.full(3, -1.0))
    with pytest.raises(ValueError, match="'bias' is not in both"):
        optimizer.step({"weight": np.ones((2, 3), np.float32)})
    with pytest.raises(TypeError, match="params was not"):
        optim.SGD([np.ones(2)]).step({"weight": np.ones(2)})


@EACH_CLASS
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("max_norm", [0.5, 1e6, 0])
def test_max_norm_is_a_clip_before_the_step(cls, dtype, max_norm):
    fused, apart = parameters(dtype=dtype), parameters(dtype=dtype)
    one, two = cls(fused, lr=0.1), cls(apart, lr=0.1)
    for t in range(5):
        grads = [np.asarray(g, dtype) for g in gradients_at(fused, t)]
        one.step(grads, max_norm=max_norm)
        optim.clip_grad_norm(grads, max_norm)
        two.step(grads)
        for f, a in zip(fused, apart, strict=True):
            check_same_bits(f, a, "fused")


@EACH_CLASS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_a_gradient_that_is_not_finite_stays_where_it_is(cls, bad):
    """It makes what it makes in the transcription, in its own element, without a warning."""
    start = np.array([1.0, -2.0, 3.0, 0.5])
    got = []

    def three_steps(_):
        params = [start.copy()]
        optimizer = cls(params, lr=0.1)
        for t in range(3):
            optimizer.step([np.array([0.5, bad if t == 1 else 1.0, -1.0, 2.0])])
        got.append(params[0])

    check_silent(cls.__name__, three_steps, start)
    expected, state = start, {}
    with np.errstate(all="ignore"):
        for t in range(3):
            gradient = np.array([0.5, bad if t == 1 else 1.0, -1.0, 2.0])
            expected, state = transcription(cls)(expected, gradient, state, lr=0.1)
    np.testing.assert_allclose(got[0], expected, rtol=1e-12, atol=1e-12)
    if cls is not optim.LAMB:
        assert np.all(np.isfinite(got[0][[0, 2, 3]]))


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not optim.LAMB])
def test_an_infinite_parameter_stays(cls):
    """Without a weight decay; LAMB goes by the norm of the whole array."""
    options = {} if cls in (optim.ASGD, optim.Rprop) else {"weight_decay": 0}
    params = [np.array([1.0, -np.inf, np.inf])]
    optimizer = cls(params, lr=0.1, **options)
    for _ in range(3):
        optimizer.step([np.array([0.5, 0.0, 1.0])])
    np.testing.assert_array_equal(params[0][1:], [-np.inf, np.inf])
    assert np.isfinite(params[0][0])


@pytest.mark.parametrize("cls", [optim.Adam, optim.AdamW, optim.NAdam, optim.RMSprop])
def test_tiny_gradients_and_a_tiny_eps(cls):
    """A state that grows through the subnormal numbers is not taken for one that has decayed."""
    single, double = np.ones(1, np.float32), np.ones(1)
    for params in (single, double):
        optimizer = cls([params], lr=0.01, eps=1e-20)
        for _ in range(3):
            optimizer.step([np.full(1, 1e-18, params.dtype)])
    np.testing.assert_allclose(single, double, rtol=1e-4)


@EACH_CLASS
def test_gradients_in_the_memory_of_parameters(cls):
    a, b = np.ones(4), np.ones(4)
    optimizer = cls([a, b])
    with pytest.raises(ValueError, match=r"grads\[0\] overlaps params\[1\] in memory"):
        optimizer.step([b, np.ones(4)])
    memory = np.ones(7)
    optimizer = cls([memory[:4], np.ones(4)])
    with pytest.raises(ValueError, match=r"grads\[1\] overlaps params\[0\] in memory"):
        optimizer.step([np.ones(4), memory[3:]])
    np.testing.assert_array_equal([*a, *b, *memory], 1)


WRONG_OPTIONS = [
    ("lr", "x", TypeError, "lr is 'x'; expected a number"),
    ("lr", None, TypeError, "lr is None; expected a number"),
    ("betas", 0.9, TypeError, "betas is 0.9; expected two numbers"),
    ("eps", [1.0], TypeError, r"eps is \[1.0\]; expected a number"),
]


@pytest.mark.parametrize(("name", "value", "error", "message"), WRONG_OPTIONS)
def test_a_wrong_option_between_steps_changes_nothing(name, value, error, message):
    params = [np.ones(3)]
    optimizer = optim.Adam(params)
    optimizer.step([np.ones(3)])
    before, state = params[0].copy(), repr(optimizer.state_dict()["state"])
    optimizer.param_groups[0][name] = value
    with pytest.raises(error, match=message):
        optimizer.step([np.ones(3)])
    check_same_bits(params[0], before, "after the error")
    assert repr(optimizer.state_dict()["state"]) == state


@pytest.mark.parametrize("flag", ["amsgrad", "maximize", "decoupled_weight_decay"])
def test_flags_are_true_or_false(flag):
    with pytest.raises(TypeError, match=f"{flag} is 'no'; expected True or False"):
        optim.Adam([np.ones(2)], **{flag: "no"})


def test_an_option_that_is_switched_on_before_the_state_is_saved():
    params = [np.ones(3)]
    optimizer = optim.Adam(params)
    optimizer.step([np.ones(3)])
    optimizer.param_groups[0]["amsgrad"] = True
    other = optim.Adam([params[0].copy()])
    other.load_state_dict(optimizer.state_dict())
    for each in (optimizer, other):
        each.step([np.full(3, 0.5)])
    check_same_bits(other.param_groups[0]["params"][0], params[0], "loaded")
    assert "max_exp_avg_sq" in other.state_dict()["state"][0]


def test_a_state_of_no_steps_goes_on():
    """As torch's Adagrad has it from its construction."""
    optimizer = optim.Adagrad([np.ones(2)])
    saved = optimizer.state_dict()
    saved["state"] = {0: {"step": np.array(0.0, np.float32), "sum": np.full(2, 0.5)}}
    saved["param_groups"][0]["lr"] = np.array(0.25)
    optimizer.load_state_dict(saved)
    again = optimizer.state_dict()
    assert again["state"][0]["step"] == 0 and optimizer.lr == 0.25
    optimizer.load_state_dict(again)


@EACH_CASE
def test_the_functions_are_the_steps(cls, options):
    """On plain arrays, with what is carried handed on, they give the very bits of the class."""
    function = getattr(optim.functional, cls._rule.name)
    whole, plain = parameters(), parameters()
    optimizer = cls(whole, **options)
    rule = cls._rule
    names = rule.active_states(optimizer.defaults)
    states = [[np.full(p.shape, rule.initial(n, optimizer.defaults)) for p in plain] for n in names]
    carried = {}
    for t in range(1, 6):
        gradients = gradients_at(plain, t)
        optimizer.step(gradients)
        carried = function(plain, gradients, *states, step=t, **options, **carried)
    for p, w in zip(plain, whole, strict=True):
        check_same_bits(p, w, "function")
    saved = optimizer.state_dict()["state"]
    for i in range(len(plain)) if saved else ():
        assert saved[i].keys() - {"step"} == {*names, *carried}
        for name, arrays in zip(names, states, strict=True):
            check_same_bits(arrays[i], saved[i][name], name)
        assert {name: saved[i][name] for name in carried} == carried


@pytest.mark.parametrize("rule", optim.functional.__all__)
def test_refused_by_the_functions(rule):
    function = getattr(optim.functional, rule)
    cls = next(cls for cls in CLASSES if cls._rule.name == rule)
    p, g = np.ones(3), np.full(3, 0.5)
    defaults = cls([np.ones(1)]).defaults
    states = [np.zeros(3) for _ in cls._rule.active_states(defaults)]
    with pytest.raises(TypeError, match="'rate' is no option; expected"):
        function(p, g, *states, step=1, rate=0.1)
    with pytest.raises(ValueError, match="step is 0; expected the number of the step"):
        function(p, g, *states, step=0)
    with pytest.raises(TypeError, match="states are given; expected"):
        function(p, g, *states, np.zeros(3), step=1)
    with pytest.raises(ValueError, match=r"grads\[0\] has shape \(2,\); expected \(3,\)"):
        function(p, np.ones(2), *states, step=1)
    with pytest.raises(ValueError, match="grads has 2 arrays; expected 1"):
        function(p, [g, g], *states, step=1)
    with pytest.raises(ValueError, match="is read-only"):
        function(READ_ONLY, g, *states, step=1)
    if states:
        with pytest.raises(ValueError, match="overlap in memory"):
            function(p, g, p, *states[1:], step=1)
        with pytest.raises(TypeError, match=r"state\[0\] has dtype float32"):
            function(p, g, np.zeros(3, np.float32), *states[1:], step=1)
    np.testing.assert_array_equal(p, 1)


def test_clip_grad_norm():
    grads = [np.array([[3.0]]), np.array([4.0, 0.0], np.float32)]
    assert optim.clip_grad_norm(grads, 10) == 5
    np.testing.assert_array_equal(grads[0], [[3]])
    assert optim.clip_grad_norm({"a": grads[0], "b": grads[1]}, 1) == 5
    np.testing.assert_allclose(grads[0], [[3 / (5 + 1e-6)]], rtol=1e-15)
    np.testing.assert_allclose(grads[1], [4 / (5 + 1e-6), 0], rtol=1e-7)
    many = np.random.default_rng(1).normal(size=100_003).astype(np.float32)
    exact = np.sqrt(np.sum(many.astype(np.longdouble) ** 2))
    norms = []
    for count in (1, 2, 4):
        with rv.num_threads(count):
            norms.append(optim.clip_grad_norm([many], np.inf))
    assert norms[0] == norms[1] == norms[2] == pytest.approx(float(exact), rel=1e-14)
    assert np.isnan(optim.clip_grad_norm([np.array([np.nan, 1])], 1))


@pytest.mark.parametrize(
    ("norm_type", "expected"), [(1, 8.0), (2, np.sqrt(26.0)), (3, 92 ** (1 / 3)), (np.inf, 4.0)]
)
def test_other_norms(norm_type, expected):
    grads = [np.array([[3.0], [-1.0]]), np.array([-4.0, 0.0], np.float32)]
    before = [g.copy() for g in grads]
    norm = optim.clip_grad_norm(grads, 2, norm_type=norm_type)
    assert norm == pytest.approx(expected, rel=1e-12)
    for g, b in zip(grads, before, strict=True):
        np.testing.assert_allclose(g, b * 2 / (expected + 1e-6), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_error_if_nonfinite(bad):
    grads = [np.ones(2), np.array([1, bad])]
    with pytest.raises(RuntimeError, match=f"the norm of grads is {bad}; expected a finite one"):
        optim.clip_grad_norm(grads, 1, error_if_nonfinite=True)
    np.testing.assert_array_equal(grads[0], 1)
    with pytest.raises(ValueError, match=r"norm_type is 0\.0; expected a number above 0"):
        optim.clip_grad_norm(grads, 1, norm_type=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("most", [np.float64(np.inf), np.float32(1e38), np.float64(1e300), 10**400])
def test_clipping_and_averaging_are_silent(most, dtype):
    extreme = np.array([np.inf, -np.inf, np.nan, np.finfo(dtype).max, 1e-40], dtype)

    def clip(values):
        optim.clip_grad_norm([values.copy()], most)
        optim.clip_grad_norm([np.full(3, np.inf, dtype)], most)
        if isinstance(most, np.floating) and np.isfinite(most):
            optim.clip_grad_value([values.copy()], most)
        optim.ema([values.copy()], [-values], np.float32(0.9))
        optim.SGD([values.copy()]).step([values], max_norm=most)

    check_silent("clipping", clip, extreme)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_hyperparameters_of_numpy_become_floats(kind):
    """What is computed from them is in float64, whatever they were."""
    options = {"lr": kind(0.75), "weight_decay": kind(0.1), "eps": kind(1e-30)}
    betas = (kind(0.9), kind(0.999))
    exact = {name: float(value) for name, value in options.items()}
    one, two = parameters(), parameters()
    ours = optim.Adam([{"params": one, **options}], betas=list(betas))
    theirs = optim.Adam(two, betas=tuple(map(float, betas)), **exact)
    for optimizer in (ours, theirs):
        optimizer.lr = kind(0.5)
    for t in range(3):
        for optimizer, params in ((ours, one), (theirs, two)):
            optimizer.step(gradients_at(params, t), max_norm=kind(1))
    for mine, other in zip(one, two, strict=True):
        check_same_bits(mine, other, "hyperparameters of NumPy")
    saved = ours.state_dict()
    assert saved["param_groups"] == theirs.state_dict()["param_groups"]
    saved["param_groups"][0].update(lr=kind(2), betas=list(betas))
    ours.load_state_dict(saved)
    group = ours.param_groups[0]
    values = [group["lr"], group["eps"], group["weight_decay"], ours.lr, *group["betas"]]
    assert {type(value) for value in (*values, *ours.defaults["betas"])} == {float}


def test_clip_grad_value():
    grads = [np.array([-3.0, 0.5, np.inf, np.nan], np.float32)]
    optim.clip_grad_value(grads, 1)
    np.testing.assert_array_equal(grads[0], np.array([-1, 0.5, 1, np.nan], np.float32))


def test_ema():
    average, params = parameters(1), parameters(2)
    expected = [0.9 * a + 0.1 * p for a, p in zip(average, params, strict=True)]
    optim.ema(average, params, 0.9)
    for a, e in zip(average, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-14, atol=1e-15)
    named = {"b": np.zeros(2), "a": np.zeros(3)}
    optim.ema(named, {"a": np.ones(3), "b": np.ones(2)}, decay=0.5)
    x, y = np.array([1.0]), np.array([3.0])
    optim.ema([x, y], [y, x], 0.75)  # each from what the other was
    assert (x[0], y[0]) == (1.5, 2.5)
    optim.ema([x], [np.array([1e-20])], 0)
    assert x[0] == 1e-20
    np.testing.assert_array_equal(named["a"], np.full(3, 0.5))


READ_ONLY = np.ones(3)
READ_ONLY.flags.writeable = False
MEMORY = np.ones(10)
REFUSED_PARAMS = {
    "none": ([], ValueError, "params is empty"),
    "an array": (np.ones(3), TypeError, "params is an array"),
    "nothing": (None, TypeError, "params is a NoneType; expected a list or a dict of arrays"),
    "a group of nothing": ([{"params": None}], TypeError, "params is a NoneType"),
    "an empty group": ([{"params": []}], ValueError, "params of a group are empty"),
    "no params": ([{"lr": 1}], ValueError, "expected 'params' too"),
    "unknown option": ([{"params": [np.ones(2)], "rate": 1}], ValueError, "option 'rate'"),
    "group's option": ([{"params": [np.ones(2)], "lr": -1}], ValueError, "lr is -1"),
    "integers": ([np.ones(3), np.ones(3, int)], TypeError, r"params\[1\] has dtype int64"),
    "half": ([np.ones(3, np.float16)], TypeError, r"params\[0\] has dtype float16"),
    "swapped": ([np.ones(3, ">f8")], TypeError, r"params\[0\] has dtype >f8"),
    "a list": ([[1.0, 2.0]], TypeError, r"params\[0\] is a list"),
    "strided": ([np.ones(6)[::2]], ValueError, r"params\[0\] is not C-contiguous"),
    "Fortran": ([np.ones((2, 3), order="F")], ValueError, r"params\[0\] is not C-contiguous"),
    "read-only": ([READ_ONLY], ValueError, r"params\[0\] is read-only"),
    "twice": ([MEMORY, MEMORY], ValueError, r"params\[0\] and params\[1\] overlap"),
    "overlap": ([MEMORY[5:], np.ones(2), MEMORY[:6]], ValueError, "overlap in memory"),
    "groups overlap": (
        [{"params": [MEMORY[:6]]}, {"params": [MEMORY[5:]]}],
        ValueError,
        "overlap in memory",
    ),
}


@EACH_CLASS
@pytest.mark.parametrize("case", REFUSED_PARAMS.values(), ids=REFUSED_PARAMS)
def test_refused_parameters(cls, case):
    params, error, message = case
    with pytest.raises(error, match=message):
        cls(params)


@pytest.mark.parametrize(
    ("cls", "options", "error", "message"),
    [(cls, *refused) for cls, _, several in RULES for refused in several],
)
def test_refused_hyperparameters(cls, options, error, message):
    with pytest.raises(error, match=message):
        cls([np.ones(2)], **options)
    optimizer = cls([np.ones(2)])
    with pytest.raises(error, match=message):
        optimizer.add_param_group({"params": [np.ones(2)], **options})
    saved = optimizer.state_dict()
    saved["param_groups"][0].update(options)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(saved)
    assert len(optimizer.param_groups) == 1


A, B = np.ones(4), np.ones((2, 3))
REFUSED_GRADS = {
    "too few": ([A], ValueError, "grads has 1 arrays; expected 2"),
    "too many": ([A, B, A], ValueError, "grads has 3 arrays; expected 2"),
    "an array": (A, TypeError, "grads is an array"),
    "shape": ([A, B.T.copy()], ValueError, r"grads\[1\] has shape \(3, 2\); expected \(2, 3\)"),
    "dtype": ([A, B.astype(np.float32)], TypeError, r"grads\[1\] has dtype float32; .* float64"),
    "integers": ([A, B.astype(int)], TypeError, r"grads\[1\] has dtype int64"),
    "missing": ([A, None], TypeError, r"grads\[1\] is a NoneType"),
    "nothing": (None, TypeError, "grads is a NoneType; expected a list or a dict of arrays"),
    "strided": ([A, np.ones((2, 6))[:, ::2]], ValueError, r"grads\[1\] is not C-contiguous"),
}


@EACH_CLASS
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("options", [{}, {"max_norm": 1.0}], ids=["plain", "clipped"])
@pytest.mark.parametrize("case", REFUSED_GRADS.values(), ids=REFUSED_GRADS)
def test_refused_gradients_change_nothing(cls, grouped, started, options, case):
    grads, error, message = case
    params = [np.full(4, 2.0), np.full((2, 3), 3.0)]
    optimizer = cls([{"params": [p]} for p in params] if grouped else params)
    if started:
        optimizer.step([A, B])
    before = [p.copy() for p in params]
    state = optimizer.state_dict()["state"]
    with pytest.raises(error, match=message):
        optimizer.step(grads, **options)
    for p, b in zip(params, before, strict=True):
        check_same_bits(p, b, "after the error")
    after = optimizer.state_dict()["state"]
    assert repr(after) == repr(state)


def test_a_gradient_may_not_be_its_parameter():
    params = [np.ones(3)]
    with pytest.raises(ValueError, match=r"grads\[0\] overlaps params\[0\]"):
        optim.SGD(params).step(params)
    np.testing.assert_array_equal(params[0], 1)


def test_state_dict_is_a_copy():
    params = parameters()
    optimizer = optim.Adam(params)
    optimizer.step(gradients_at(params, 1))
    saved = optimizer.state_dict()
    kept = saved["state"][0]["exp_avg"].copy()
    optimizer.step(gradients_at(params, 2))
    check_same_bits(saved["state"][0]["exp_avg"], kept, "saved")
    optimizer.load_state_dict(saved)
    saved["state"][0]["exp_avg"][...] = 7
    check_same_bits(optimizer.state_dict()["state"][0]["exp_avg"], kept, "loaded")


def test_layout_is_that_of_torch():
    saved = optim.Adam([np.ones(2), np.ones(3)], amsgrad=True).state_dict()
    assert saved["state"] == {}
    assert saved["param_groups"] == [
        {
            "lr": 1e-3,
            "betas": (0.9, 0.999),
            "eps": 1e-8,
            "weight_decay": 0,
            "amsgrad": True,
            "decoupled_weight_decay": False,
            "eps_hat": False,  # which torch does not have
            "maximize": False,
            "params": [0, 1],
        }
    ]
    # What torch writes beside: options of its own, None for a buffer not in use, and its step.
    optimizer = optim.SGD([np.ones(2)], lr=0.5)
    theirs = optimizer.state_dict()
    theirs["param_groups"][0]["foreach"] = None
    theirs["state"][0] = {"momentum_buffer": None}
    optimizer.load_state_dict(theirs)
    adam = optim.Adam([np.ones(2)])
    theirs = adam.state_dict()
    moments = {"exp_avg": np.ones(2), "exp_avg_sq": np.ones(2)}
    theirs["state"][0] = {"step": np.array(3.0, np.float32), **moments}
    adam.load_state_dict(theirs)
    assert adam.state_dict()["state"][0]["step"] == 3


REFUSED_STATES = {
    "no state": (lambda s: s.pop("state"), ValueError, "expected 'state' too"),
    "fewer groups": (lambda s: s["param_groups"].clear(), ValueError, r"groups of \[\] param"),
    "no lr": (lambda s: s["param_groups"][0].pop("lr"), ValueError, "has no 'lr'"),
    "shape": (
        lambda s: s["state"][1].update(exp_avg=np.ones(7)),
        ValueError,
        r"state\[1\]\['exp_avg'\] has shape \(7,\); expected \(2, 3\)",
    ),
    "dtype": (
        lambda s: s["state"][1].update(exp_avg=np.ones((2, 3), np.float32)),
        TypeError,
        r"state\[1\]\['exp_avg'\] has dtype float32",
    ),
    "list": (lambda s: s["state"][0].update(exp_avg=[1.0] * 4), TypeError, "is a list"),
    "missing name": (lambda s: s["state"][1].pop("exp_avg"), ValueError, r"state\[1\] has"),
    "missing everywhere": (
        lambda s: [s["state"][i].pop("exp_avg") for i in (0, 1)],
        ValueError,
        "expected 'exp_avg' too",
    ),
    "unknown name": (
        lambda s: [s["state"][i].update(more=np.ones(4)) for i in (0, 1)],
        ValueError,
        "has 'more'",
    ),
    "one parameter only": (lambda s: s["state"].pop(1), ValueError, r"state\[1\] has \[\]"),
    "other steps": (lambda s: s["state"][1].update(step=5), ValueError, "is 5; expected 2"),
    "half a step": (lambda s: s["state"][0].update(step=1.5), ValueError, "step'] is 1.5"),
    "endless steps": (
        lambda s: s["state"][0].update(step=np.inf),
        ValueError,
        "step'] is inf; exp",
    ),
    "text steps": (lambda s: s["state"][0].update(step="x"), TypeError, "step'] is 'x'; expected"),
    "huge steps": (lambda s: s["state"][0].update(step=10**400), ValueError, "step'] is 1000"),
    "state of nothing": (lambda s: s.update(state=None), TypeError, r"\['state'\] is a NoneType"),
    "list of states": (lambda s: s.update(state=[{}, {}]), TypeError, r"\['state'\] is a list"),
    "no entry": (lambda s: s["state"].update({1: None}), TypeError, r"state\[1\] is a NoneType"),
    "no groups": (
        lambda s: s.update(param_groups=None),
        TypeError,
        r"\['param_groups'\] is a NoneType; expected a list",
    ),
    "group of nothing": (
        lambda s: s.update(param_groups=[None]),
        TypeError,
        r"param_groups\[0\] is a NoneType; expected a dict",
    ),
    "no params": (
        lambda s: s["param_groups"][0].pop("params"),
        ValueError,
        r"param_groups\[0\] has the keys .*; expected 'params' too",
    ),
    "params of nothing": (
        lambda s: s["param_groups"][0].update(params=None),
        TypeError,
        r"param_groups\[0\]\['params'\] is a NoneType; expected a list",
    ),
    "keys of JSON": (
        lambda s: s.update(state={str(k): v for k, v in s["state"].items()}),
        ValueError,
        r"state_dict\['state'\] has \['0', '1'\] for the parameters \[0, 1\]",
    ),
    "params twice": (
        lambda s: s["param_groups"][0].update(params=[1, 1]),
        ValueError,
        r"for the parameters \[1, 1\]; expected the numbers of parameters, each once",
    ),
    "params as arrays": (
        lambda s: s["param_groups"][0].update(params=[A, B]),
        TypeError,
        r"\['params'\]\[0\] is array\(.*; expected an integer",
    ),
}


@pytest.mark.parametrize("case", REFUSED_STATES.values(), ids=REFUSED_STATES)
def test_refused_states_change_nothing(case):
    change, error, message = case
    params = [np.full(4, 2.0), np.full((2, 3), 3.0)]
    optimizer = optim.Adam(params, lr=0.5)
    for _ in range(2):
        optimizer.step([A, B])
    before = repr(optimizer.state_dict())
    changed = optimizer.state_dict()
    changed["param_groups"][0]["eps"] = 0.25
    changed["state"][0]["exp_avg"][...] = 7
    change(changed)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(changed)
    assert repr(optimizer.state_dict()) == before
    with pytest.raises(TypeError, match="state_dict is a NoneType; expected a dict"):
        optimizer.load_state_dict(None)


@pytest.mark.parametrize(
    ("function", "arguments", "error", "message"),
    [
        (optim.clip_grad_norm, ([READ_ONLY], 1), ValueError, r"grads\[0\] is read-only"),
        (optim.clip_grad_norm, ([A], -1), ValueError, "max_norm is -1"),
        (optim.clip_grad_norm, ([A], np.nan), ValueError, "max_norm is nan"),
        (optim.clip_grad_norm, (A, 1), TypeError, "grads is an array"),
        (optim.clip_grad_norm, (None, 1), TypeError, "grads is a NoneType"),
        (optim.clip_grad_norm, ([A], "1"), TypeError, "max_norm is '1'; expected a number"),
        (optim.clip_grad_norm, ([A, np.ones(4, int)], 1), TypeError, r"grads\[1\] has dtype int64"),
        (optim.clip_grad_value, ([A], -1), ValueError, "clip_value is -1"),
        (optim.clip_grad_value, ([A, READ_ONLY], 0.5), ValueError, r"grads\[1\] is read-only"),
        (optim.ema, ([A], [A], 1.5), ValueError, "decay is 1.5"),
        (optim.ema, ([A], [], 0.5), ValueError, "params has 0 arrays; expected 1"),
        (optim.ema, ([A], None, 0.5), TypeError, "params is a NoneType"),
        (optim.ema, ([A], [np.ones(5)], 0.5), ValueError, r"params\[0\] has shape \(5,\)"),
        (optim.ema, ({"a": A}, {"b": A}, 0.5), ValueError, r"params has the keys \['b'\]"),
        (optim.ema, ([READ_ONLY], [A], 0.5), ValueError, r"average\[0\] is read-only"),
    ],
)
def test_refused_by_functions(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(*arguments)
    np.testing.assert_array_equal(A, 1)
