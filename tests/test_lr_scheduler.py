"""The schedules against closed forms, alone and combined, and all that is around a step."""

from __future__ import annotations

import json
import math
import warnings
from typing import ClassVar

import numpy as np
import pytest

import reference_schedules as reference
from ranvier import optim
from ranvier.optim import lr_scheduler as schedules
from test_optim import combinations

RATES = (0.1, 0.5)
GAMMAS = [0.5, 1.0, 1.05]


def cubic(epoch):
    return 1 - (epoch / 200) ** 3


def wave(epoch):
    return 1 + 0.1 * (epoch % 3 - 1)


# Class, closed form, options to try.
RULES = {
    "lambda": (schedules.LambdaLR, reference.lambda_lr, combinations(lr_lambda=[cubic, wave])),
    "multiplicative": (
        schedules.MultiplicativeLR,
        reference.multiplicative_lr,
        combinations(lr_lambda=[wave]),
    ),
    "step": (
        schedules.StepLR,
        reference.step_lr,
        [{"step_size": 30}, *combinations(step_size=[1, 7, 100], gamma=GAMMAS)],
    ),
    "multi step": (
        schedules.MultiStepLR,
        reference.multi_step_lr,
        [
            {"milestones": (3, 30)},
            *combinations(milestones=[[50, 20, 50], [0, 1], []], gamma=GAMMAS),
        ],
    ),
    "constant": (
        schedules.ConstantLR,
        reference.constant_lr,
        [{}, *combinations(factor=[0.25, 1, 0], total_iters=[0, 1, 40])],
    ),
    "linear": (
        schedules.LinearLR,
        reference.linear_lr,
        [
            {},
            {"start_factor": 0.01, "end_factor": 0, "total_iters": 3},  # rounding goes below 0
            *combinations(
                start_factor=[0.01, 1], end_factor=[1, 0.1, 0], total_iters=[0, 1, 20, 77]
            ),
        ],
    ),
    "exponential": (
        schedules.ExponentialLR,
        reference.exponential_lr,
        combinations(gamma=[0, *GAMMAS]),
    ),
    "polynomial": (
        schedules.PolynomialLR,
        reference.polynomial_lr,
        [{}, *combinations(total_iters=[1, 20, 77], power=[0, 0.5, 2])],
    ),
    "cosine": (
        schedules.CosineAnnealingLR,
        reference.cosine_annealing_lr,
        [{"T_max": 10}, *combinations(T_max=[1, 2, 7, 33, 90], eta_min=[0, 0.02])],
    ),
    "warm restarts": (
        schedules.CosineAnnealingWarmRestarts,
        reference.warm_restarts,
        [{"T_0": 10}, *combinations(T_0=[1, 7], T_mult=[1, 2, 3], eta_min=[0.02])],
    ),
}
CASES = [
    pytest.param(cls, form, options, id=f"{name}-{i}")
    for name, (cls, form, several) in RULES.items()
    for i, options in enumerate(several)
]
EACH_CASE = pytest.mark.parametrize(("cls", "form", "options"), CASES)


def sgd(*rates, **options):
    groups = [{"params": [np.ones(2)], "lr": rate} for rate in rates or RATES]
    return optim.SGD(groups, **options)


def rates_of(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def run(scheduler, count=1, *arguments):
    """The rates of epoch 0, or now, and of the following ones."""
    optimizer = scheduler.optimizer
    gradients = [np.zeros(2) for _ in optimizer.param_groups]
    found = [rates_of(optimizer)]
    for _ in range(count):
        optimizer.step(gradients)
        scheduler.step(*arguments)
        found.append(rates_of(optimizer))
        assert scheduler.get_last_lr() == found[-1]
    return found


def approx(expected):
    return pytest.approx(np.array(expected), rel=1e-10, abs=1e-12)


@EACH_CASE
def test_closed_form(cls, form, options):
    scheduler = cls(sgd(), **options)
    assert scheduler.base_lrs == list(RATES)
    assert [group["initial_lr"] for group in scheduler.optimizer.param_groups] == list(RATES)
    found = np.array(run(scheduler, 99))
    assert found == approx([[form(t, rate, **options) for rate in RATES] for t in range(100)])
    assert np.all(found >= 0)
    assert scheduler.last_epoch == 99


@pytest.mark.parametrize(
    ("cls", "form", "options"),
    [
        case
        for case in CASES
        if case.values[0] is not schedules.MultiplicativeLR
        and case.values[2].get("total_iters") != 0
    ],
)
def test_jump_to_an_epoch(cls, form, options):
    scheduler = cls(sgd(), **options)
    run(scheduler)
    for epoch in (37, 3, 99):
        jump(scheduler, epoch)
        assert scheduler.last_epoch == epoch
        assert rates_of(scheduler.optimizer) == approx([form(epoch, r, **options) for r in RATES])


def jump(scheduler, epoch):
    """It warns but for the one schedule for which it is meant."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scheduler.step(epoch)
    warned = not isinstance(scheduler, schedules.CosineAnnealingWarmRestarts)
    assert ["step(epoch) jumps" in str(w.message) for w in caught] == [True] * warned


def test_a_jump_without_a_closed_form_goes_on_from_the_rate():
    scheduler = schedules.MultiplicativeLR(sgd(0.5), lambda epoch: epoch / 10)
    run(scheduler)
    jump(scheduler, 7)
    assert rates_of(scheduler.optimizer) == approx([0.5 * 0.1 * 0.7])


@pytest.mark.parametrize("mult", [1, 2, 3])
def test_restarts_at_a_fraction_of_an_epoch(mult):
    scheduler = schedules.CosineAnnealingWarmRestarts(sgd(), 1, mult, 0.01)
    # 121 and 363 are where the logarithm of 3 is rounded to the epoch before.
    for epoch in (0.25, 0.75, 1, 2.5, 17.125, 121, 363, 4):
        scheduler.step(epoch)
        assert scheduler.last_epoch == math.floor(epoch)
        expected = [
            reference.warm_restarts(epoch, r, T_0=1, T_mult=mult, eta_min=0.01) for r in RATES
        ]
        assert rates_of(scheduler.optimizer) == approx(expected)
    found = run(scheduler, 20)
    assert np.array(found) == approx(
        [
            [reference.warm_restarts(t, r, T_0=1, T_mult=mult, eta_min=0.01) for r in RATES]
            for t in range(4, 25)
        ]
    )


CYCLES = [
    *combinations(up=[4, 2.5], down=[4, 7], mode=["triangular", "triangular2"]),
    *combinations(up=[3], down=[0], mode=["exp_range"], gamma=[0.95]),
    *combinations(
        up=[5], down=[5], scale_fn=[lambda x: 1 / (1 + x)], scale_mode=["cycle", "iterations"]
    ),
]


def make_cyclic(optimizer, *, up, down, **options):
    return schedules.CyclicLR(
        optimizer,
        base_lr=[0.01, 0.2],
        max_lr=[0.1, 0.8],
        step_size_up=up,
        step_size_down=None if up == down else down,
        base_momentum=[0.8, 0.6],
        max_momentum=0.9,
        **options,
    )


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


@pytest.mark.parametrize("options", CYCLES, ids=range(len(CYCLES)))
@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam, optim.RMSprop, optim.Lion])
def test_cycles(options, cls):
    optimizer = cls([{"params": [np.ones(2)], "lr": rate} for rate in RATES])
    second = optimizer.param_groups[0].get("betas", (0, None))[1]
    scheduler = make_cyclic(optimizer, **options)
    for t in range(60):
        height = reference.cycle(t, **options)
        rates = [0.01 + 0.09 * height, 0.2 + 0.6 * height]
        assert rates_of(optimizer) == approx(rates)
        momentums = [momentum_of(group) for group in optimizer.param_groups]
        assert momentums == approx([0.9 - 0.1 * height, 0.9 - 0.3 * height])
        assert "betas" not in optimizer.defaults or optimizer.param_groups[1]["betas"][1] == second
        run(scheduler)


def test_cycles_have_a_base_of_their_own():
    """Another schedule's "initial_lr" is in the groups, and is the rate until the first step."""
    optimizer = sgd(0.5)
    schedules.ConstantLR(optimizer, 1)
    scheduler = schedules.CyclicLR(optimizer, 0.1, 0.3, 2, cycle_momentum=False)
    assert scheduler.base_lrs == [0.1]
    assert np.ravel(run(scheduler, 4)) == approx([0.5, 0.2, 0.3, 0.2, 0.1])


def test_a_thousand_cycles():
    scheduler = schedules.CyclicLR(sgd(0.1, momentum=0.5), 0.1, 0.2, 1, mode="triangular2")
    run(scheduler)
    jump(scheduler, 5001)
    assert rates_of(scheduler.optimizer) == [0.1]


ONE_CYCLES = [
    {"total_steps": 60},
    *combinations(
        total_steps=[57],
        pct_start=[0.25, 0.4, 0, 1],
        anneal_strategy=["cos", "linear"],
        three_phase=[False],
    ),
    *combinations(
        total_steps=[57], pct_start=[0.25], anneal_strategy=["cos", "linear"], three_phase=[True]
    ),
    {"total_steps": 10, "pct_start": 0.1},  # the first phase ends where it begins
    {"total_steps": 1},
]


@pytest.mark.parametrize("options", ONE_CYCLES, ids=range(len(ONE_CYCLES)))
@pytest.mark.parametrize("cls", [optim.SGD, optim.NAdam])
def test_one_cycle(options, cls):
    optimizer = cls([{"params": [np.ones(2)], "lr": rate} for rate in RATES])
    scheduler = schedules.OneCycleLR(
        optimizer,
        max_lr=[1.0, 2.0],
        base_momentum=[0.8, 0.7],
        max_momentum=0.9,
        div_factor=10,
        final_div_factor=100,
        **options,
    )
    assert scheduler.base_lrs == [0.1, 0.2]
    for t in range(options["total_steps"]):
        expected = [reference.one_cycle(t, h / 10, h, h / 1000, **options) for h in (1.0, 2.0)]
        assert rates_of(optimizer) == approx(expected)
        momentums = [momentum_of(group) for group in optimizer.param_groups]
        assert momentums == approx(
            [reference.one_cycle(t, 0.9, base, 0.9, **options) for base in (0.8, 0.7)]
        )
        run(scheduler)
    state = optimizer.state_dict()
    assert state["param_groups"][0]["max_lr"] == 1.0
    optimizer.load_state_dict(state)  # even one step beyond the last, nothing is below 0
    optimizer.step([np.zeros(2), np.zeros(2)])
    with pytest.raises(ValueError, match=r"total_steps is \d+; step \d+ is beyond the last one"):
        scheduler.step()
    assert scheduler.last_epoch == options["total_steps"]
    assert scheduler.get_last_lr() == rates_of(optimizer)


def test_steps_of_one_cycle_from_epochs():
    scheduler = schedules.OneCycleLR(sgd(momentum=0.9), 1.0, epochs=4, steps_per_epoch=15)
    same = schedules.OneCycleLR(sgd(momentum=0.9), 1.0, total_steps=60)
    assert run(scheduler, 59) == run(same, 59)


@pytest.mark.parametrize("make", [make_cyclic, schedules.OneCycleLR], ids=["cyclic", "one cycle"])
def test_without_momentum(make):
    options = {"up": 5, "down": 5} if make is make_cyclic else {"max_lr": 1.0, "total_steps": 9}
    groups = [{"params": [np.ones(2)]}, {"params": [np.ones(2)]}]
    for optimizer in (optim.Adagrad(groups), sgd(momentum=0.3)):
        scheduler = make(optimizer, cycle_momentum=False, **options)
        run(scheduler, 3)
        assert all(group.get("momentum", 0.3) == 0.3 for group in optimizer.param_groups)
        assert not {"base_momentum", "max_momentum"} & optimizer.param_groups[0].keys()


@pytest.mark.parametrize(
    "options",
    [
        {},
        *combinations(
            mode=["min", "max"],
            factor=[0.5, 0],
            patience=[0, 2],
            threshold=[1e-4, 0.2],
            threshold_mode=["rel", "abs"],
            cooldown=[0, 3],
            min_lr=[0, 0.02],
            eps=[1e-8, 0.03],
        ),
    ],
    ids=str,
)
def test_plateau(options):
    rng = np.random.default_rng(len(str(options)))
    metrics = (np.exp(-np.arange(120) / 30) * rng.uniform(0.7, 1.3, 120)).tolist()
    scheduler = schedules.ReduceLROnPlateau(sgd(), **options)
    found = []
    for metric in metrics:
        scheduler.step(metric)
        found.append(scheduler.get_last_lr())
        assert found[-1] == rates_of(scheduler.optimizer)
    expected = [reference.plateau(metrics, rate, **options) for rate in RATES]
    assert np.transpose(found) == approx(expected)
    assert scheduler.last_epoch == 120


def test_plateau_of_groups():
    scheduler = schedules.ReduceLROnPlateau(sgd(), factor=0.1, patience=0, min_lr=[0.02, 0.04])
    for value in (1, np.float32(1)):
        scheduler.step(value)
    assert rates_of(scheduler.optimizer) == approx([0.02, 0.05])
    scheduler.step(np.array(0.9))
    assert scheduler.best == 0.9
    scheduler.step(math.nan)  # no improvement
    assert rates_of(scheduler.optimizer) == approx([0.02, 0.04])
    assert scheduler.best == 0.9 and not scheduler.in_cooldown
    with pytest.warns(UserWarning, match=r"step\(epoch\) jumps"):
        scheduler.step(0.5, 17)
    assert scheduler.last_epoch == 17 and scheduler.best == 0.5


def test_plateau_with_a_group_that_was_added():
    scheduler = schedules.ReduceLROnPlateau(sgd(0.5), patience=0, min_lr=0.4)
    listed = schedules.ReduceLROnPlateau(scheduler.optimizer, patience=0, min_lr=[0.4])
    scheduler.optimizer.add_param_group({"params": [np.ones(1)], "lr": 2.0})
    listed.step(1)
    state = listed.state_dict()
    with pytest.raises(ValueError, match="made for 1 groups; the optimizer has 2 now"):
        listed.step(1)
    assert listed.state_dict() == state
    assert rates_of(scheduler.optimizer) == [0.5, 2.0]
    scheduler.step(1)
    scheduler.step(1)
    assert rates_of(scheduler.optimizer) == [0.4, 0.4]


# What goes on from the rate that is there, and with what factor of it.
@pytest.mark.parametrize(
    ("make", "kept"),
    [
        (lambda o: schedules.LambdaLR(o, cubic), False),
        (lambda o: schedules.MultiplicativeLR(o, wave), True),
        (lambda o: schedules.StepLR(o, 4), True),
        (lambda o: schedules.MultiStepLR(o, [7]), True),
        (lambda o: schedules.ConstantLR(o, total_iters=8), True),
        (lambda o: schedules.LinearLR(o, total_iters=8), True),
        (lambda o: schedules.ExponentialLR(o, 0.9), True),
        (lambda o: schedules.PolynomialLR(o, 12), True),
        (lambda o: schedules.CosineAnnealingLR(o, 30), True),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 30), False),
        (lambda o: schedules.CyclicLR(o, 0.1, 0.3, 5), False),
        (lambda o: schedules.OneCycleLR(o, 0.1, 30), False),
    ],
)
def test_a_rate_changed_by_hand(make, kept):
    changed, plain = make(sgd(momentum=0.9)), make(sgd(momentum=0.9))
    run(changed, 5)
    changed.optimizer.param_groups[1]["lr"] *= 0.5
    run(plain, 5)
    for after, expected in zip(run(changed, 6)[1:], run(plain, 6)[1:], strict=True):
        assert after == approx([expected[0], expected[1] * (0.5 if kept else 1)])


class TestCompositions:
    def make(self, optimizer, name):
        linear = schedules.LinearLR(optimizer, start_factor=0.1, total_iters=10)
        if name == "chained":
            parts = [linear, schedules.ExponentialLR(optimizer, 0.9)]
            return schedules.ChainedScheduler(parts, optimizer)
        parts = [linear, schedules.CosineAnnealingLR(optimizer, 20), schedules.StepLR(optimizer, 5)]
        return schedules.SequentialLR(optimizer, parts, [15, 30])

    def test_sequential(self):
        found = run(self.make(sgd(), "sequential"), 59)
        for t, rates in enumerate(found):
            for rate, got in zip(RATES, rates, strict=True):
                if t < 15:
                    expected = reference.linear_lr(t, rate, start_factor=0.1, total_iters=10)
                elif t < 30:
                    expected = reference.cosine_annealing_lr(t - 15, rate, T_max=20)
                else:
                    expected = reference.step_lr(t - 30, rate, step_size=5)
                assert got == approx(expected)

    def test_chained(self):
        found = run(self.make(sgd(), "chained"), 29)
        for t, rates in enumerate(found):
            factor = reference.linear_lr(t, 0.9**t, start_factor=0.1, total_iters=10)
            assert rates == approx([rate * factor for rate in RATES])

    @pytest.mark.parametrize("place", [0, 1])
    @pytest.mark.parametrize("name", ["sequential", "chained"])
    def test_nested(self, name, place):
        optimizer = sgd()
        parts = [schedules.ConstantLR(optimizer, 0.5, 100)]
        parts.insert(place, self.make(optimizer, name))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            whole = schedules.SequentialLR(optimizer, parts, [40])
        found = run(whole, 79)
        alone = run(self.make(sgd(), name), 39)
        start = 40 * place
        assert np.array(found[start : start + 40]) == approx(alone)
        halves = [rate / 2 for rate in RATES]
        assert np.array(found[40 - start : 80 - start]) == approx([halves] * 40)

    def test_deeper(self):
        optimizer = sgd(1.0)
        inner = self.make(optimizer, "sequential")
        chain = schedules.ChainedScheduler([inner, schedules.ExponentialLR(optimizer, 0.5)])
        last = schedules.ExponentialLR(optimizer, 0.25)
        whole = schedules.SequentialLR(optimizer, [chain, last], [5])
        expected = [(0.1 + 0.09 * t) * 0.5**t for t in range(5)] + [1, 0.25]
        assert np.array(run(whole, 6)).ravel() == approx(expected)

    def test_two_at_one_milestone(self):
        optimizer = sgd(1.0)
        parts = [schedules.ConstantLR(optimizer, f, 100) for f in (0.1, 0.2, 0.3)]
        found = run(schedules.SequentialLR(optimizer, parts, [2, 2]), 4)
        assert np.array(found).ravel() == approx([0.1, 0.1, 0.3, 0.3, 0.3])

    def test_milestones_count_from_last_epoch(self):
        optimizer = sgd(1.0)
        parts = [schedules.ConstantLR(optimizer, f, 100) for f in (0.1, 0.2)]
        scheduler = schedules.SequentialLR(optimizer, parts, [5], last_epoch=1)
        assert scheduler.last_epoch == 2
        assert np.array(run(scheduler, 4)).ravel() == approx([0.1, 0.1, 0.1, 0.2, 0.2])


class Decay:
    """A callable object, which has a state."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor**x


MAKERS = {
    **{
        f"{name}-{i}": (lambda optimizer, cls=cls, options=options: cls(optimizer, **options))
        for name, (cls, _, several) in RULES.items()
        for i, options in enumerate(several)
    },
    **{
        f"cyclic-{i}": (lambda optimizer, options=options: make_cyclic(optimizer, **options))
        for i, options in enumerate(CYCLES)
    },
    "cyclic object": lambda o: schedules.CyclicLR(o, 0.1, 0.5, 7, scale_fn=Decay(0.9)),
    "cyclic, rate only": lambda o: schedules.CyclicLR(o, 0.1, 0.5, 7, cycle_momentum=False),
    "one cycle": lambda o: schedules.OneCycleLR(o, 1.0, 60),
    "one cycle, rate only": lambda o: schedules.OneCycleLR(o, 1.0, 60, cycle_momentum=False),
    "one cycle, three phases": lambda o: schedules.OneCycleLR(
        o, [1.0, 2.0], 60, three_phase=True, anneal_strategy="linear"
    ),
    "plateau": lambda o: schedules.ReduceLROnPlateau(o, patience=2, cooldown=2, factor=0.9),
    "sequential": lambda o: TestCompositions().make(o, "sequential"),
    "chained": lambda o: TestCompositions().make(o, "chained"),
    "nested": lambda o: schedules.SequentialLR(
        o, [schedules.LambdaLR(o, wave), TestCompositions().make(o, "sequential")], [10]
    ),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("stop", [0, 1, 14, 30])
def test_state_round_trip(name, stop):
    """Stopped and resumed, also through JSON, bit for bit what it would have been."""
    metrics = np.random.default_rng(0).uniform(size=80).tolist()

    def advance(scheduler, start, end):
        groups = []
        for t in range(start, end):
            scheduler.optimizer.step([np.zeros(2), np.zeros(2)])
            scheduler.step(*([metrics[t]] if name == "plateau" else []))
            groups.append([{**g, "params": None} for g in scheduler.optimizer.param_groups])
        return groups

    through = MAKERS[name](sgd(momentum=0.5))
    advance(through, 0, stop)
    of_scheduler, of_optimizer = through.state_dict(), through.optimizer.state_dict()
    resumed = MAKERS[name](sgd(0.7, 0.9, momentum=0.5))
    resumed.optimizer.load_state_dict(of_optimizer)
    resumed.load_state_dict(json.loads(json.dumps(of_scheduler)))
    assert resumed.state_dict() == of_scheduler
    assert advance(resumed, stop, 50) == advance(through, stop, 50)
    assert resumed.state_dict() == through.state_dict()
    assert through.state_dict() == resumed.state_dict() != of_scheduler
    assert type(resumed.state_dict()) is dict


def test_the_state_is_a_copy():
    scheduler = schedules.MultiStepLR(sgd(), [3, 5])
    state = scheduler.state_dict()
    state["base_lrs"][0] = 7.0
    state["milestones"][3] = 9
    scheduler.get_last_lr()[0] = 7.0
    assert scheduler.base_lrs == list(RATES) == scheduler.get_last_lr()
    assert scheduler.state_dict()["milestones"] == {3: 1, 5: 1}
    loaded = scheduler.state_dict()
    scheduler.load_state_dict(loaded)
    run(scheduler, 3)
    assert loaded["last_epoch"] == 0
    cycle = schedules.OneCycleLR(sgd(momentum=0.5), 1.0, 9)
    state = cycle.state_dict()
    cycle.load_state_dict(state)
    state["_schedule_phases"].clear()
    run(cycle, 3)


def test_the_state_has_torchs_names():
    state = schedules.StepLR(sgd(), 3).state_dict()
    assert state == {
        "step_size": 3,
        "gamma": 0.1,
        "base_lrs": list(RATES),
        "last_epoch": 0,
        "_step_count": 1,
        "_last_lr": list(RATES),
    }
    # What torch's has beside them.
    flags = {"_is_initial": False, "_get_lr_called_within_step": False}
    scheduler = schedules.StepLR(sgd(), 5)
    scheduler.load_state_dict({**state, **flags})
    assert scheduler.state_dict() == state


@pytest.mark.parametrize(
    "make",
    [
        lambda o, f: schedules.LambdaLR(o, [f, lambda epoch: 1.0]),
        lambda o, f: schedules.MultiplicativeLR(o, [f, lambda epoch: 1.0]),
        lambda o, f: schedules.CyclicLR(o, 0.1, 0.2, scale_fn=f),
    ],
)
def test_the_attributes_of_a_callable_object_are_saved(make):
    function, plain = Decay(0.5), make(sgd(momentum=0.5), abs)
    state = json.loads(json.dumps(make(sgd(momentum=0.5), Decay(0.25)).state_dict()))
    scheduler = make(sgd(momentum=0.5), function)
    with pytest.raises(ValueError, match="expected None for"):
        plain.load_state_dict(state)
    with pytest.raises((TypeError, ValueError)):
        scheduler.load_state_dict({**state, "last_epoch": "one"})
    assert function.factor == 0.5
    scheduler.load_state_dict(state)
    assert function.factor == 0.25


@pytest.mark.parametrize(
    ("name", "change", "error", "message"),
    [
        ("step-0", {"gamma": "fast"}, TypeError, "gamma is 'fast'"),
        ("step-0", {"last_epoch": -2}, ValueError, "last_epoch is -2"),
        ("step-0", {"base_lrs": 0.1}, TypeError, "base_lrs is 0.1; expected a list of numbers"),
        ("step-0", {"_last_lr": ["a"]}, TypeError, r"_last_lr\[0\] is 'a'"),
        ("step-0", {"_step_count": None}, TypeError, "_step_count is None"),
        ("step-0", {"rate": 1}, ValueError, "'rate' is not in both"),
        ("multi step-0", {"milestones": {"x": 1}}, TypeError, "a milestone is 'x'"),
        ("multi step-0", {"milestones": {3: 0}}, ValueError, "the count of milestone 3 is 0"),
        ("cosine-0", {"T_max": 0}, ValueError, "T_max is 0"),
        ("warm restarts-0", {"T_cur": None}, TypeError, "T_cur is None"),
        ("lambda-0", {"lr_lambdas": [None]}, ValueError, "lr_lambdas is .*; expected 2 entries"),
        ("lambda-0", {"lr_lambdas": [None, 3]}, TypeError, r"lr_lambdas\[1\] is a int"),
        ("cyclic-0", {"max_lrs": [-1]}, ValueError, r"max_lrs\[0\] is -1"),
        ("cyclic-0", {"mode": "up"}, ValueError, "mode is 'up'"),
        ("one cycle", {"total_steps": 0}, ValueError, "total_steps is 0"),
        ("one cycle", {"_schedule_phases": [{}]}, TypeError, r"s\[0\]\['end_step'\] is None"),
        ("one cycle", {"_schedule_phases": []}, ValueError, "_schedule_phases is empty"),
        ("one cycle", {"_schedule_phases": 3}, TypeError, "_schedule_phases is a int"),
        ("plateau", {"best": None}, TypeError, "best is None"),
        ("plateau", {"num_bad_epochs": -1}, ValueError, "num_bad_epochs is -1"),
        ("sequential", {"_milestones": [3]}, ValueError, "milestones has 1 entries for 3"),
        ("sequential", {"_schedulers": []}, ValueError, "expected 3 dicts"),
        ("sequential", {"_schedulers": [{}, {}, {}]}, ValueError, "'start_factor' is not in both"),
        ("chained", {"_schedulers": [3, 4]}, TypeError, "state_dict is a int"),
    ],
)
def test_a_state_that_does_not_fit(name, change, error, message):
    scheduler = MAKERS[name](sgd(momentum=0.5))
    before = scheduler.state_dict()
    other = MAKERS[name](sgd(0.3, 0.4, momentum=0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.step(*([0.5] if name == "plateau" else []))
    with pytest.raises(error, match=message):
        scheduler.load_state_dict({**other.state_dict(), **change})
    assert scheduler.state_dict() == before
    with pytest.raises(TypeError, match="state_dict is a list"):
        scheduler.load_state_dict([])
    with pytest.raises(ValueError, match="is not in both"):
        scheduler.load_state_dict({k: v for k, v in before.items() if k != "_last_lr"})


def test_a_part_that_does_not_fit_leaves_all_parts_as_they_were():
    scheduler, other = MAKERS["sequential"](sgd()), MAKERS["sequential"](sgd())
    run(other, 3)
    state = other.state_dict()
    state["_schedulers"][2]["gamma"] = None
    before = scheduler.state_dict()
    with pytest.raises(TypeError, match="gamma is None"):
        scheduler.load_state_dict(state)
    assert scheduler.state_dict() == before


def test_a_part_that_does_not_fit_leaves_callable_objects_as_they_were():
    def make(factor):
        optimizer = sgd(momentum=0.5)
        functions = [Decay(factor), Decay(factor)]
        parts = [
            schedules.LambdaLR(optimizer, functions[0]),
            schedules.CyclicLR(optimizer, 0.1, 0.2, scale_fn=functions[1]),
            schedules.StepLR(optimizer, 3),
        ]
        return schedules.SequentialLR(optimizer, parts, [3, 6]), functions

    scheduler, functions = make(0.5)
    state = make(0.25)[0].state_dict()
    gamma = state["_schedulers"][2].pop("gamma")
    with pytest.raises(ValueError, match="'gamma' is not in both"):
        scheduler.load_state_dict(state)
    assert [function.factor for function in functions] == [0.5, 0.5]
    state["_schedulers"][2]["gamma"] = gamma
    scheduler.load_state_dict(state)
    assert [function.factor for function in functions] == [0.25, 0.25]


@pytest.mark.parametrize(
    "make",
    [
        lambda o, n: schedules.ExponentialLR(o, 0.5, last_epoch=n),
        lambda o, n: schedules.CosineAnnealingLR(o, 10, last_epoch=n),
        lambda o, n: schedules.LinearLR(o, total_iters=12, last_epoch=n),
        lambda o, n: schedules.PolynomialLR(o, 20, last_epoch=n),
        lambda o, n: schedules.LambdaLR(o, cubic, last_epoch=n),
        lambda o, n: schedules.MultiplicativeLR(o, wave, last_epoch=n),
        lambda o, n: schedules.StepLR(o, 3, last_epoch=n),
        lambda o, n: schedules.MultiStepLR(o, [4, 9], last_epoch=n),
        lambda o, n: schedules.ConstantLR(o, last_epoch=n),
        lambda o, n: schedules.CosineAnnealingWarmRestarts(o, 2, 2, last_epoch=n),
        lambda o, n: schedules.CyclicLR(o, [0.1, 0.2], 0.5, 4, last_epoch=n),
        lambda o, n: schedules.OneCycleLR(o, 1.0, 30, last_epoch=n),
    ],
)
def test_last_epoch(make):
    """A new schedule on an optimizer that has been as far."""
    through = make(sgd(momentum=0.5), -1)
    run(through, 8)
    groups = [{**group, "params": [np.ones(2)]} for group in through.optimizer.param_groups]
    optimizer = optim.SGD(groups, momentum=0.5)
    resumed = make(optimizer, 7)
    assert resumed.last_epoch == 8
    assert rates_of(optimizer) == rates_of(through.optimizer)
    assert np.array(run(resumed, 12)) == approx(run(through, 12))
    with pytest.raises(ValueError, match="last_epoch is 7, but group 0 has no 'initial_lr'"):
        make(sgd(momentum=0.5), 7)


def test_stepped_before_the_optimizer():
    scheduler = schedules.ExponentialLR(sgd(), 0.5)
    with pytest.warns(UserWarning, match="stepped before the optimizer") as caught:
        scheduler.step()
    assert caught[0].filename == __file__
    scheduler.step()  # once is enough
    optimizer = sgd()
    optimizer.step([np.zeros(2), np.zeros(2)])
    late = schedules.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="stepped before the optimizer"):
        late.step()
    run(schedules.ExponentialLR(optimizer, 0.5), 3)


def test_a_step_that_fails_is_no_step():
    def factor(epoch):
        if epoch == 2 and failing:
            raise OSError("no rate")
        return 0.5

    failing = True
    optimizer = sgd(1.0)
    parts = [schedules.ExponentialLR(optimizer, 0.5), schedules.MultiplicativeLR(optimizer, factor)]
    scheduler = schedules.ChainedScheduler(parts)
    run(scheduler)
    state = scheduler.state_dict()
    with pytest.raises(OSError, match="no rate"):
        scheduler.step()
    assert scheduler.state_dict() == state and rates_of(optimizer) == [0.25]
    failing = False
    run(scheduler)
    assert rates_of(optimizer) == [0.0625]


@pytest.mark.parametrize("factor", [math.nan, math.inf, "a", None])
def test_a_function_that_gives_no_rate(factor):
    optimizer = sgd(1.0)
    scheduler = schedules.MultiplicativeLR(optimizer, lambda epoch: factor)
    with pytest.raises((TypeError, ValueError)):
        run(scheduler)
    assert rates_of(optimizer) == [1.0] and scheduler.last_epoch == 0
    broken = sgd(1.0)
    with pytest.raises((TypeError, ValueError)):
        schedules.LambdaLR(broken, lambda epoch: factor)
    assert set(broken.param_groups[0]) == {"params", *broken.defaults}


def test_rates_are_numbers_of_python():
    optimizer = optim.SGD([np.ones(2)], lr=np.float32(0.5))
    scheduler = schedules.LambdaLR(optimizer, lambda epoch: np.float32(0.1))
    assert {type(x) for x in (optimizer.lr, *scheduler.base_lrs, *scheduler.get_last_lr())} == {
        float
    }
    assert optimizer.lr == pytest.approx(0.05)
    counted = schedules.StepLR(optimizer, np.int64(3), np.float32(0.5))
    json.dumps([scheduler.state_dict(), counted.state_dict()])


def test_get_lr_is_for_steps():
    scheduler = schedules.ExponentialLR(sgd(), 0.5)
    with pytest.warns(UserWarning, match=r"get_last_lr\(\) gives those of now"):
        assert scheduler.get_lr() == [0.05, 0.25]
    assert rates_of(scheduler.optimizer) == list(RATES)


def test_a_method_has_no_state():
    scheduler = schedules.LambdaLR(sgd(), [Decay(0.5).__call__, math.sqrt])
    assert scheduler.state_dict()["lr_lambdas"] == [None, None]


class TestOnesOwn:
    class Inverse(schedules.LRScheduler):
        def __init__(self, optimizer, power, last_epoch=-1):
            self.power = power
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            assert self._get_lr_called_within_step
            return [rate / (1 + self.last_epoch) ** self.power for rate in self.base_lrs]

    def test_rates_and_state(self):
        scheduler = self.Inverse(sgd(), 2)
        found = run(scheduler, 5)
        assert found[5] == approx([rate / 36 for rate in RATES])
        again = self.Inverse(sgd(), 3)
        again.load_state_dict(scheduler.state_dict())
        assert (again.power, again.last_epoch) == (2, 5)

    def test_without_get_lr(self):
        with pytest.raises(NotImplementedError, match=r"LRScheduler has no get_lr\(\)"):
            schedules.LRScheduler(sgd())


def test_a_group_that_is_added():
    """What acts on the rate of now takes it along; what has rates of its own refuses it."""
    optimizer = sgd(1.0, momentum=0.5)
    along = schedules.ExponentialLR(optimizer, 0.5)
    makers = [
        lambda o: schedules.LambdaLR(o, cubic),
        lambda o: schedules.MultiplicativeLR(o, wave),
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 5),
        lambda o: schedules.CyclicLR(o, 1.0, 2.0),
        lambda o: schedules.OneCycleLR(o, 25.0, 9),
    ]
    refusing = [make(optimizer) for make in makers]
    optimizer.lr = 1.0
    optimizer.add_param_group({"params": [np.ones(3)], "lr": 3.0})
    optimizer.step([np.zeros(2), np.zeros(3)])
    for scheduler in refusing:
        state = scheduler.state_dict()
        with pytest.raises(ValueError, match=r"has 2 now|a group has no '\w+_lr'"):
            scheduler.step()
        assert scheduler.state_dict() == state
    along.step()
    assert rates_of(optimizer) == [0.5, 1.5]


def plain(cls, **options):
    return lambda optimizer: cls(optimizer, **options)


def cyclic(**options):
    return plain(schedules.CyclicLR, **{"base_lr": 0.1, "max_lr": 0.2, **options})


def one_cycle(**options):
    return plain(schedules.OneCycleLR, **{"max_lr": 0.1, "total_steps": 9, **options})


def two(optimizer):
    return [schedules.StepLR(optimizer, 3), schedules.StepLR(optimizer, 4)]


REFUSED = [
    (plain(schedules.ExponentialLR, gamma=-1), ValueError, "gamma is -1; expected 0 <= gamma"),
    (plain(schedules.ExponentialLR, gamma="a"), TypeError, "gamma is 'a'; expected a number"),
    (plain(schedules.ExponentialLR, gamma=1, last_epoch=-2), ValueError, "last_epoch is -2"),
    (plain(schedules.ExponentialLR, gamma=1, last_epoch=0.5), TypeError, "last_epoch is 0.5"),
    (plain(schedules.StepLR, step_size=0), ValueError, "step_size is 0; expected at least 1"),
    (plain(schedules.StepLR, step_size=2.5), TypeError, "step_size is 2.5; expected an integer"),
    (plain(schedules.StepLR, step_size=1, gamma=math.nan), ValueError, "gamma is nan"),
    (plain(schedules.MultiStepLR, milestones=3), TypeError, "milestones is a int"),
    (plain(schedules.MultiStepLR, milestones=[-1]), ValueError, "a milestone is -1"),
    (plain(schedules.MultiStepLR, milestones=[2.5]), TypeError, "a milestone is 2.5"),
    (plain(schedules.MultiStepLR, milestones=[], gamma=-1), ValueError, "gamma is -1"),
    (
        plain(schedules.ConstantLR, factor=1.5),
        ValueError,
        "factor is 1.5; expected 0 <= factor <= 1",
    ),
    (plain(schedules.ConstantLR, factor=-0.5), ValueError, "factor is -0.5"),
    (plain(schedules.ConstantLR, total_iters=-1), ValueError, "total_iters is -1"),
    (
        plain(schedules.LinearLR, start_factor=0),
        ValueError,
        "start_factor is 0; expected 0 < start",
    ),
    (plain(schedules.LinearLR, start_factor=1.5), ValueError, "start_factor is 1.5"),
    (plain(schedules.LinearLR, end_factor=-0.5), ValueError, "end_factor is -0.5"),
    (plain(schedules.LinearLR, total_iters=None), TypeError, "total_iters is None"),
    (plain(schedules.PolynomialLR, total_iters=-1), ValueError, "total_iters is -1"),
    (plain(schedules.PolynomialLR, power=-1), ValueError, "power is -1"),
    (plain(schedules.CosineAnnealingLR, T_max=0), ValueError, "T_max is 0; expected at least 1"),
    (plain(schedules.CosineAnnealingLR, T_max=5, eta_min=-1), ValueError, "eta_min is -1"),
    (plain(schedules.CosineAnnealingWarmRestarts, T_0=0), ValueError, "T_0 is 0"),
    (plain(schedules.CosineAnnealingWarmRestarts, T_0=1.5), TypeError, "T_0 is 1.5"),
    (plain(schedules.CosineAnnealingWarmRestarts, T_0=1, T_mult=0), ValueError, "T_mult is 0"),
    (plain(schedules.CosineAnnealingWarmRestarts, T_0=1, eta_min="a"), TypeError, "eta_min is 'a'"),
    (
        plain(schedules.LambdaLR, lr_lambda=[cubic]),
        ValueError,
        "lr_lambda has 1 entries; .* 2 groups",
    ),
    (
        plain(schedules.LambdaLR, lr_lambda=0.5),
        TypeError,
        r"lr_lambda\[0\] is 0.5; expected a func",
    ),
    (plain(schedules.MultiplicativeLR, lr_lambda=[cubic, 3]), TypeError, r"lr_lambda\[1\] is 3"),
    (cyclic(base_lr=-1), ValueError, "base_lr is -1"),
    (cyclic(base_lr=[0.1]), ValueError, "base_lr has 1 entries; expected one for each of 2 groups"),
    (cyclic(max_lr=[0.1, "a"]), TypeError, r"max_lr\[1\] is 'a'"),
    (cyclic(step_size_up=0), ValueError, "step_size_up is 0; expected a number above 0"),
    (cyclic(step_size_down=-1), ValueError, "step_size_down is -1"),
    (cyclic(mode="up"), ValueError, "mode is 'up'; expected one of 'triangular', 'triangular2'"),
    (cyclic(gamma=-1), ValueError, "gamma is -1"),
    (cyclic(scale_fn=3), TypeError, "scale_fn is 3; expected a function"),
    (cyclic(scale_fn=cubic, scale_mode="batch"), ValueError, "scale_mode is 'batch'"),
    (cyclic(scale_fn=lambda x: "a"), TypeError, "can't multiply"),
    (cyclic(base_momentum=-1), ValueError, "base_momentum is -1"),
    (cyclic(max_momentum=[0.5]), ValueError, "max_momentum has 1 entries"),
    (cyclic(last_epoch=3), ValueError, "last_epoch is 3, but group 0 has no 'initial_lr'"),
    (one_cycle(max_lr=-1), ValueError, "max_lr is -1"),
    (one_cycle(total_steps=0), ValueError, "total_steps is 0"),
    (one_cycle(total_steps=2.5), TypeError, "total_steps is 2.5"),
    (
        one_cycle(total_steps=None),
        ValueError,
        "total_steps is None, epochs None and steps_per_epoch",
    ),
    (one_cycle(total_steps=None, epochs=3), ValueError, "epochs 3 and steps_per_epoch None"),
    (one_cycle(total_steps=None, epochs=0, steps_per_epoch=1), ValueError, "epochs is 0"),
    (
        one_cycle(total_steps=None, epochs=1, steps_per_epoch="a"),
        TypeError,
        "steps_per_epoch is 'a'",
    ),
    (one_cycle(pct_start=1.5), ValueError, "pct_start is 1.5; expected 0 <= pct_start <= 1"),
    (
        one_cycle(anneal_strategy="sin"),
        ValueError,
        "anneal_strategy is 'sin'; expected one of 'cos'",
    ),
    (one_cycle(div_factor=0), ValueError, "div_factor is 0; expected a number above 0"),
    (one_cycle(final_div_factor=-1), ValueError, "final_div_factor is -1"),
    (one_cycle(base_momentum="a"), TypeError, "base_momentum is 'a'"),
    (
        plain(schedules.ReduceLROnPlateau, mode="up"),
        ValueError,
        "mode is 'up'; expected one of 'min'",
    ),
    (
        plain(schedules.ReduceLROnPlateau, factor=1),
        ValueError,
        "factor is 1; expected 0 <= factor < 1",
    ),
    (plain(schedules.ReduceLROnPlateau, patience=-1), ValueError, "patience is -1"),
    (plain(schedules.ReduceLROnPlateau, threshold=-1), ValueError, "threshold is -1"),
    (plain(schedules.ReduceLROnPlateau, threshold_mode="a"), ValueError, "threshold_mode is 'a'"),
    (plain(schedules.ReduceLROnPlateau, cooldown=1.5), TypeError, "cooldown is 1.5"),
    (plain(schedules.ReduceLROnPlateau, min_lr=[0]), ValueError, "min_lr has 1 entries"),
    (plain(schedules.ReduceLROnPlateau, eps=None), TypeError, "eps is None"),
]


def unchanged(make, error, message, optimizer):
    before = [dict(group) for group in optimizer.param_groups]
    with pytest.raises(error, match=message):
        make(optimizer)
    assert [dict(group) for group in optimizer.param_groups] == before


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_bad_arguments(make, error, message):
    unchanged(make, error, message, sgd(momentum=0.5))


BAD_PARTS = [
    (lambda o: [], ValueError, "schedulers is empty"),
    (lambda o: 3, TypeError, "schedulers is a int; expected a list of schedulers"),
    (lambda o: [*two(o), 3], TypeError, r"schedulers\[2\] is 3; expected an LRScheduler"),
    (
        lambda o: [*two(o), schedules.ReduceLROnPlateau(o)],
        ValueError,
        r"schedulers\[2\] is a ReduceLROnPlateau, whose step needs a metric",
    ),
    (lambda o: [*two(o), *two(sgd())], ValueError, r"schedulers\[2\] is for another optimizer"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD_PARTS)
def test_bad_parts(make, error, message):
    optimizer = sgd(momentum=0.5)
    parts = make(optimizer)
    unchanged(lambda o: schedules.SequentialLR(o, parts, [3, 4]), error, message, optimizer)
    unchanged(lambda o: schedules.ChainedScheduler(parts), error, message, optimizer)
    unchanged(lambda o: schedules.ChainedScheduler(parts, o), error, message, optimizer)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"milestones": []}, ValueError, "milestones has 0 entries for 3 schedulers"),
        ({"milestones": 3}, TypeError, "milestones is a int; expected a list of epochs"),
        ({"milestones": [-1, 3]}, ValueError, r"milestones\[0\] is -1; expected at least 0"),
        ({"milestones": [1, "a"]}, TypeError, r"milestones\[1\] is 'a'; expected an integer"),
        ({"milestones": [5, 3]}, ValueError, r"milestones is \[5, 3\]; expected ascending"),
        ({"milestones": [3, 5], "last_epoch": -2}, ValueError, "last_epoch is -2"),
    ],
)
def test_bad_milestones(options, error, message):
    optimizer = sgd()
    parts = [*two(optimizer), schedules.ConstantLR(optimizer)]
    states = [part.state_dict() for part in parts]
    unchanged(lambda o: schedules.SequentialLR(o, parts, **options), error, message, optimizer)
    assert [part.state_dict() for part in parts] == states


@pytest.mark.parametrize("name", [n for n in schedules.__all__ if n != "ChainedScheduler"])
def test_the_optimizer_is_ranvier_s(name):
    arguments = {
        "LambdaLR": [cubic],
        "MultiplicativeLR": [cubic],
        "StepLR": [3],
        "MultiStepLR": [[3]],
        "ExponentialLR": [0.5],
        "CosineAnnealingLR": [3],
        "CosineAnnealingWarmRestarts": [3],
        "CyclicLR": [0.1, 0.2],
        "OneCycleLR": [0.1, 9],
        "SequentialLR": [two(sgd()), [3]],
    }
    with pytest.raises(TypeError, match="optimizer is 'sgd'; expected a ranvier Optimizer"):
        getattr(schedules, name)("sgd", *arguments.get(name, []))


def test_momentum_that_the_optimizer_does_not_have():
    adam = optim.Adam([np.ones(2)])
    for cls, arguments in ((schedules.CyclicLR, [0.1, 0.2]), (schedules.OneCycleLR, [0.1, 9])):
        with pytest.raises(ValueError, match="cycle_momentum is True, but Adagrad has neither"):
            cls(optim.Adagrad([np.ones(2)]), *arguments)
        with pytest.raises(ValueError, match="max_momentum is 1; expected 0 <= max_momentum < 1"):
            cls(adam, *arguments, max_momentum=1)
    assert set(adam.param_groups[0]) == {"params", *adam.defaults}


@pytest.mark.parametrize(
    ("epoch", "error", "message"),
    [(-1, ValueError, "epoch is -1"), ("a", TypeError, "epoch is 'a'")],
)
@pytest.mark.parametrize("name", ["step-0", "warm restarts-0", "plateau"])
def test_an_epoch_that_is_none(name, epoch, error, message):
    scheduler = MAKERS[name](sgd())
    state = scheduler.state_dict()
    scheduler.optimizer.step([np.zeros(2), np.zeros(2)])
    with pytest.raises(error, match=message):
        scheduler.step(*([0.5] if name == "plateau" else []), epoch)
    if name == "plateau":
        with pytest.raises(TypeError, match="metrics is 'good'; expected a number"):
            scheduler.step("good")
    assert scheduler.state_dict() == state


class TestGroupsOfTheOptimizer:
    KEPT: ClassVar[dict[str, float]] = {
        "initial_lr": 0.5,
        "max_lr": 1.0,
        "min_lr": 0.1,
        "max_momentum": 0.9,
        "base_momentum": 0.8,
    }

    def test_they_take_and_save_what_schedules_keep(self):
        optimizer = optim.SGD([{"params": [np.ones(2)], **self.KEPT}])
        optimizer.step([np.ones(2)])
        state = optimizer.state_dict()
        assert self.KEPT.items() <= state["param_groups"][0].items()
        other = optim.SGD([np.ones(2)])
        other.load_state_dict(state)
        assert self.KEPT.items() <= other.param_groups[0].items()
        assert not self.KEPT.keys() & optimizer.defaults.keys()

    @pytest.mark.parametrize("name", KEPT)
    def test_they_take_numbers_only(self, name):
        with pytest.raises(TypeError, match=f"{name} is 'a'; expected a number"):
            optim.SGD([{"params": [np.ones(2)], name: "a"}])
        optimizer = optim.SGD([np.ones(2)])
        state = optimizer.state_dict()
        state["param_groups"][0][name] = -1
        with pytest.raises(ValueError, match=f"{name} is -1"):
            optimizer.load_state_dict(state)
        assert name not in optimizer.param_groups[0]

    def test_they_take_nothing_else(self):
        with pytest.raises(ValueError, match="a group has the option 'final_lr'"):
            optim.SGD([{"params": [np.ones(2)], "final_lr": 1}])
