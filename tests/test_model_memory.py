"""Where the parameters of a model lie: decided once, and true after every kind of copy."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import warnings
import weakref

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from isa_outputs import OPTIMIZERS
from ranvier import losses, nn, optim


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def pickled_of_old(thing):
    return pickle.loads(pickle.dumps(thing, protocol=0))


def through_joblib(thing):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


COPIES = [pickled, pickled_of_old, copy.deepcopy, through_joblib]
every_copy = pytest.mark.parametrize("copied", COPIES, ids=lambda copied: copied.__name__)


def network():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5, rng=0), nn.GELU(), nn.LayerNorm(5),
        nn.Sequential(nn.Linear(5, 5, rng=1), nn.Tanh()), nn.Dropout(0.3, rng=2),
        nn.Residual(nn.PReLU()), nn.Linear(5, 3, bias=False, rng=3),
    )  # fmt: skip


X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
G = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 3


class Net(nn.Module):
    """A module whose children are attributes."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 5, rng=0)
        self.act = nn.Swish()
        self.second = nn.Linear(5, 3, rng=1)

    def forward(self, x):
        return self.second(self.act(self.first(x)))

    def backward(self, grad_output, accumulate=False):
        g = self.act.backward(self.second.backward(grad_output, accumulate), accumulate)
        return self.first.backward(g, accumulate)


def check_is_one(model):
    """The model has one buffer of parameters and one of gradients; its arrays are views of them."""
    for arrays, flat in (
        (model.parameters(), model.flat_parameters),
        (model.gradients(), model.flat_gradients),
    ):
        assert flat.flags.c_contiguous and flat.ndim == 1
        assert flat.size == sum(array.size for array in arrays)
        before = flat.copy()
        flat[:] = np.arange(flat.size)
        np.testing.assert_array_equal(np.concatenate([a.ravel() for a in arrays]), flat)
        flat[:] = before


def addresses(*arrays):
    return [array.ctypes.data for array in arrays]


# Decided once.


def test_parameters_and_gradients_are_views_of_two_buffers():
    model = network()
    check_is_one(model)
    assert addresses(model.flat_parameters, model.flat_gradients)[0] % 64 == 0
    assert model[1].weight is model.parameters()[0]
    assert [name for name, _ in model.named_parameters()] == [
        "1.weight", "1.bias", "3.weight", "3.bias", "4.0.weight", "4.0.bias", "6.module.weight",
        "7.weight",
    ]  # fmt: skip
    # A call moves nothing any more, nor does a part of the model that is looked at on its own.
    before = addresses(*model.parameters(), *model.gradients())
    part = model[3:5]
    part.parameters()
    assert addresses(*model.parameters(), *model.gradients()) == before
    assert np.shares_memory(part.flat_parameters, model.flat_parameters)
    assert part.flat_parameters.size == 5 + 5 + 5 * 5 + 5


@pytest.mark.parametrize("part", [slice(0, 2), slice(2, None), slice(None, None, 2), slice(0, 1)])
def test_a_part_of_a_model_leaves_its_arrays_where_they_are(part):
    model = nn.Sequential(*(nn.Linear(3, 3, rng=0) for _ in range(4)))
    before = addresses(model.flat_parameters, model.flat_gradients)
    layers = model[part]
    for array in (*layers.parameters(), *layers.gradients()):
        array += 1
    assert addresses(model.flat_parameters, model.flat_gradients) == before
    expected = np.repeat([i in range(4)[part] for i in range(4)], 3 * 3 + 3)
    np.testing.assert_array_equal(model.flat_gradients, expected)


def test_a_model_in_another_order_leaves_the_arrays_of_the_first():
    first, second = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
    model = nn.Sequential(first, second)
    before = addresses(*model.parameters())
    other = nn.Sequential(second, first)
    assert addresses(*model.parameters()) == before
    check_is_one(model)
    with pytest.raises(ValueError, match="not in one buffer"):
        other.flat_parameters  # noqa: B018


def test_layers_keep_their_values_when_they_move_to_another_model():
    layer = nn.Linear(4, 3, rng=0)
    weight = layer.weight.copy()
    layer.gradients()[0][:] = 5
    nn.Sequential(layer)
    model = nn.Sequential(nn.Linear(4, 4, rng=1), layer)
    np.testing.assert_array_equal(layer.weight, weight)
    assert np.all(model.gradients()[2] == 5)
    assert np.shares_memory(layer.weight, model.flat_parameters)


def test_a_model_that_is_dropped_lets_go_of_its_memory_at_once():
    """No garbage holds arrays that another model could take over."""
    layer = nn.Linear(6, 6, rng=0)
    model = nn.Sequential(nn.Residual(nn.Linear(6, 6)), nn.Linear(6, 6), nn.Tanh(), layer, Net())
    model.backward(model(X))
    model[1](X)
    memories = [weakref.ref(memory) for memory in model._memories]
    assert len(memories) == 2
    gc.disable()
    try:
        del model
        other = nn.Sequential(nn.Linear(6, 6, rng=1), layer)
    finally:
        gc.enable()
    check_is_one(other)
    assert [memory() for memory in memories] == [None, None]


HOLDERS = {
    "the arrays": lambda layer: [*layer.parameters(), *layer.gradients()],
    "views of them": lambda layer: [a[1:].T for a in (layer.weight, layer.gradients()[0])],
    "the buffers": lambda layer: [layer.flat_parameters, layer.flat_gradients],
    "memoryviews": lambda layer: [memoryview(layer.weight), memoryview(layer.gradients()[1])],
    "a shallow copy": lambda layer: copy.copy(layer),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_arrays_that_are_held_do_not_move(holder):
    first = nn.Linear(4, 3, rng=0)
    held = HOLDERS[holder](first)
    before = addresses(*first.parameters(), *first.gradients())
    model = nn.Sequential(first, nn.ReLU(), nn.Linear(3, 2, rng=1))
    outer = nn.Sequential(model, nn.Linear(2, 2, rng=2))
    for module in (model, outer):
        assert addresses(*module.parameters()[:2], *module.gradients()[:2]) == before
        for what in ("parameters", "gradients"):
            with pytest.raises(ValueError, match=f"the {what} are not in one buffer, as arrays of"):
                getattr(module, f"flat_{what}")
    # It stays so when nobody holds them any more.
    del held
    assert addresses(*outer.parameters()[:2], *outer.gradients()[:2]) == before
    model.load_state_dict({name: a + 1 for name, a in model.state_dict().items()})
    model.backward(model(np.ones((2, 4), np.float32)))
    model.zero_grad()
    assert not any(gradient.any() for gradient in outer.gradients())


def test_an_array_that_is_held_is_the_parameter_and_stays_the_same_object():
    layer = nn.Linear(4, 3, rng=0)
    weight, gradient = layer.weight, layer.gradients()[0]
    model = nn.Sequential(layer, nn.Linear(3, 2, rng=1))
    assert model.parameters()[0] is weight and model.gradients()[0] is gradient
    weight[:] = 7
    assert np.all(model.state_dict()["0.weight"] == 7)
    model.backward(model(np.ones((2, 4), np.float32)))
    assert gradient.any()


@pytest.mark.parametrize("wrap", [nn.Sequential, nn.Residual, lambda m: nn.Concat(m, nn.ReLU())])
@pytest.mark.parametrize("layer", [nn.Linear, lambda a, b, rng: nn.Maxout(a, b, rng=rng)])
def test_an_update_by_an_optimizer_made_before_the_model_is_not_lost(layer, wrap):
    first = layer(6, 6, rng=0)
    optimizer = optim.SGD(first.parameters(), lr=1.0)
    gradients = first.gradients()
    model = nn.Sequential(wrap(first), nn.Linear(6, 3, rng=1)).eval()
    if not isinstance(model[0], nn.Residual):
        model = wrap(first)
    before = model(X).copy()
    for gradient in gradients:
        gradient.fill(1)
    optimizer.step(gradients)
    assert np.any(model(X) != before)
    model.zero_grad()
    assert not any(gradient.any() for gradient in gradients)


def test_a_model_inside_another_moves_as_a_whole_and_is_one_still():
    inner = nn.Sequential(nn.Linear(6, 5, rng=0), nn.Linear(5, 4, rng=1))
    state = inner.state_dict()
    outer = nn.Sequential(inner, nn.Linear(4, 3, rng=2))
    check_is_one(outer)
    check_is_one(inner)
    assert np.shares_memory(inner.flat_parameters, outer.flat_parameters)
    for name, values in inner.state_dict().items():
        check_same_bits(values, state[name], name)
    inner(X)


def test_a_module_of_attributes_decides_when_it_is_first_asked():
    net = Net()
    check_is_one(net)
    before = addresses(*net.parameters(), *net.gradients())
    net.backward_parameters(net(X))
    for ask in (nn.Module.state_dict, nn.Module.zero_grad, nn.Module.named_parameters):
        ask(net)
    assert addresses(*net.parameters(), *net.gradients()) == before
    held = Net()
    weight = held.second.weight
    assert held.parameters()[3] is weight
    with pytest.raises(ValueError, match="the parameters are not in one buffer"):
        held.flat_parameters  # noqa: B018


def test_a_module_of_attributes_can_be_asked_between_its_two_passes():
    net, same = Net(), Net()
    same.parameters()
    output = net(X)
    net.parameters()
    check_same_bits(net.backward(output), same.backward(same(X)), "gradient of the input")
    check_same_bits(net.flat_gradients, same.flat_gradients, "gradients")


def test_a_module_that_comes_later_is_a_part_of_the_model_but_not_of_its_buffer():
    net = Net()
    flat = net.flat_parameters
    net.third = nn.Linear(3, 2, rng=2)
    assert [name for name, _ in net.named_parameters()][-2:] == ["third.weight", "third.bias"]
    assert np.shares_memory(net.first.weight, flat)
    with pytest.raises(ValueError, match="or some came later"):
        net.flat_parameters  # noqa: B018


def test_a_parameter_that_a_subclass_adds_lies_beside_the_others():
    class Shifted(nn.LayerNorm):
        shift = nn.Parameter()

        def __init__(self):
            super().__init__(3)
            self.add_parameter("shift", np.full(3, 2.0, np.float32))

    layer = Shifted()
    assert layer.flat_parameters.tolist() == [1, 1, 1, 0, 0, 0, 2, 2, 2]


def test_an_attribute_that_is_held_lies_beside_the_others():
    class Affine(nn.Module):
        scale, shift = nn.Parameter(), nn.Parameter()

        def __init__(self):
            super().__init__()
            self.add_parameter("scale", np.ones(2))
            self.add_parameter("shift", np.zeros(2))

    layer = Affine()
    held = layer.scale
    assert layer.flat_parameters.tolist() == [1, 1, 0, 0]
    held[:] = 3
    assert layer.flat_parameters.tolist() == [3, 3, 0, 0]


@pytest.mark.parametrize("used", [nn.Linear(6, 6, rng=0), network(), nn.Residual(nn.Linear(6, 6))])
def test_layers_that_have_been_used_move_like_new_ones(used):
    columns = used(X).shape[1]
    used.backward(used(X))
    model = nn.Sequential(used, nn.Tanh(), nn.Linear(columns, 2, rng=1))
    check_is_one(model)
    output = model(X)
    model.backward(output)
    model.flat_parameters[:] = 0
    assert np.any(output) and np.any(model(X) != output)
    assert np.any(model.flat_gradients)


def test_a_module_of_two_names_is_there_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 3, rng=0)
            self.second = self.first

    tied = nn.Sequential(Tied(), nn.Linear(3, 2, rng=1))
    names = ["0.first.weight", "0.first.bias", "1.weight", "1.bias"]
    assert [name for name, _ in tied.named_parameters()] == names
    assert tied.flat_parameters.size == tied.flat_gradients.size == 3 * 3 + 3 + 2 * 3 + 2
    assert len(list(tied.modules())) == 4


def test_a_shallow_copy_shares_the_parameters():
    layer = nn.Linear(4, 3, rng=0)
    other = copy.copy(layer)
    other.weight = np.full((3, 4), 2)
    assert np.all(layer.weight == 2)
    parameter = np.ones(3)
    optimizers = [optim.SGD(p, lr=1.0) for p in (layer.parameters(), [parameter])]
    for optimizer, array in zip(optimizers, (layer.weight, parameter), strict=True):
        before = array.copy()
        gradients = [np.ones_like(p) for p in optimizer.param_groups[0]["params"]]
        copy.copy(optimizer).step(gradients)
        np.testing.assert_array_equal(array, before - 1)


# Copies.


@every_copy
def test_copies_of_a_model_are_whole_and_independent(copied):
    model = network().eval()
    expected = model(X).copy()
    model.backward(G)
    clone = copied(model)
    check_is_one(clone)
    check_same_bits(clone.flat_parameters, model.flat_parameters, "parameters")
    check_same_bits(clone.flat_gradients, model.flat_gradients, "gradients")
    check_same_bits(clone(X), expected, "output of the copy")
    clone.backward(G)
    check_same_bits(clone.flat_gradients, model.flat_gradients, "gradients of the copy")
    clone.flat_parameters[:] = 0
    assert not clone(X).any(), "the copy's parameters are views of its flat buffer"
    check_same_bits(model(X), expected, "output of the original")


def test_the_last_batch_is_no_part_of_the_model():
    model = network()
    model.backward(model(X))
    assert X.tobytes() not in pickle.dumps(model)


def test_a_pickle_holds_each_array_once():
    model = nn.Sequential(nn.Linear(300, 300, rng=0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    once = model.flat_parameters.nbytes
    assert len(pickle.dumps((model, optimizer))) < 2 * once + 10_000  # gradients too


@every_copy
def test_a_layer_does_not_bring_the_model_along(copied):
    model = nn.Sequential(nn.Linear(300, 300, rng=0), nn.Linear(300, 2, rng=1))
    layer = model[1]
    assert len(pickle.dumps(layer)) < 10_000
    optimizer = optim.Adam(layer.parameters())
    other, same = copied((layer, optimizer))
    check_is_one(other)
    x = np.random.default_rng(0).normal(size=(5, 300)).astype(np.float32)
    for each, step in ((layer, optimizer), (other, same)):
        each.backward(each(x))
        step.step(each.gradients())
    check_same_bits(other.flat_parameters, layer.flat_parameters, "after a step")
    assert not np.shares_memory(other.weight, layer.weight)


def trained(model, optimizer, steps=3):
    """The parameters after some more steps."""
    for _ in range(steps):
        _, gradient = losses.cross_entropy.value_and_grad(model(X), Y)
        model.backward_parameters(gradient)
        optimizer.step(model.gradients())
    return np.concatenate([p.ravel() for p in model.parameters()])


@every_copy
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_model_and_its_optimizer_train_on_with_the_same_bits(name, copied):
    model = network()
    optimizer = getattr(optim, name)(model.parameters(), lr=1e-2, **OPTIMIZERS[name])
    start = trained(model, optimizer)
    other, same = copied((model, optimizer))
    check_is_one(other)
    expected = trained(model, optimizer)
    assert np.any(expected != start)
    check_same_bits(trained(other, same), expected, f"{name}, copied")
    check_is_one(other)


@every_copy
@pytest.mark.parametrize("make", [network, Net])
def test_the_order_in_a_pickle_and_the_groups_do_not_matter(make, copied):
    model = make()
    named = dict(model.named_parameters())
    weights = [p for name, p in named.items() if name.endswith("weight")]
    others = [p for name, p in named.items() if not name.endswith("weight")]
    optimizer = optim.AdamW([{"params": others, "lr": 0.1}, {"params": weights}])
    twin = optim.AdamW(named, lr=0.01)
    first, same, other = copied((optimizer, twin, model))
    ours, theirs = ([*o.param_groups[0]["params"], *o.param_groups[1]["params"]] for o in
                    (optimizer, first))  # fmt: skip
    numbers = [[id(p) for p in model.parameters()].index(id(array)) for array in ours]
    for number, array in zip(numbers, theirs, strict=True):
        array += 1
        np.testing.assert_array_equal(other.parameters()[number], array)
        assert np.shares_memory(other.parameters()[number], array)
    same.step({name: np.ones_like(p) for name, p in other.named_parameters()})
    for name, parameter in other.named_parameters():
        assert np.shares_memory(parameter, same.param_groups[0]["params"][[*named].index(name)])


@every_copy
def test_an_optimizer_over_a_held_array_trains_on(copied):
    """Not in one buffer before, and not after; no update is lost."""
    first = nn.Linear(6, 5, rng=0)
    optimizer = optim.Adam(first.parameters())
    model = nn.Sequential(first, nn.Tanh(), nn.Linear(5, 3, rng=1))
    other, same = copied((model, optimizer))
    for each, step in ((model, optimizer), (other, same)):
        for _ in range(3):
            each.backward(each(X))
            step.step(each[0].gradients())
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        check_same_bits(one, two, "after the steps")
    assert np.any(first.weight != nn.Linear(6, 5, rng=0).weight)
    with pytest.raises(ValueError, match="not in one buffer"):
        other.flat_parameters  # noqa: B018


@every_copy
def test_an_optimizer_over_arrays_of_ones_own_is_copied_as_it_is(copied):
    parameter = np.ones(5)
    optimizer = optim.Adam([parameter], lr=0.1)
    optimizer.step([np.arange(5.0)])
    again = copied(optimizer)
    (array,) = again.param_groups[0]["params"]
    check_same_bits(array, parameter, "copied")
    for each in (optimizer, again):
        each.step([np.arange(5.0)])
    check_same_bits(array, parameter, "after a step")


@every_copy
def test_a_trainer_trains_on_with_the_same_bits(copied):
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    trainer = rv.Trainer(
        model, losses.cross_entropy, optimizer, scheduler=scheduler, max_norm=1.0, seed=0
    )
    trainer.fit(X, Y, epochs=3, batch_size=7, progress=False)
    again = copied(trainer)
    check_is_one(again.model)
    start = model.flat_parameters.copy()
    histories = [
        each.fit(X, Y, epochs=3, batch_size=7, progress=False) for each in (trainer, again)
    ]
    assert np.any(model.flat_parameters != start)
    check_same_bits(again.model.flat_parameters, model.flat_parameters, "parameters")
    assert histories[0]["loss"] == histories[1]["loss"]
    assert again.epoch == trainer.epoch == 6
    assert again.optimizer.lr == optimizer.lr < 0.01
    check_same_bits(again.predict(X), trainer.predict(X), "predictions")


def test_a_trainer_knows_a_parameter_by_its_place():
    model = network()
    # Another array over the same memory, of the same shape.
    parameters = [p[...] for p in model.parameters()]
    trainer = rv.Trainer(model, losses.cross_entropy, optim.SGD(parameters, lr=0.1), seed=0)
    before = model.flat_parameters.copy()
    trainer.fit(X, Y, epochs=1, batch_size=None, progress=False)
    assert np.count_nonzero(model.flat_gradients) > 0.9 * before.size
    expected = before - np.float32(0.1) * model.flat_gradients
    np.testing.assert_allclose(model.flat_parameters, expected, rtol=1e-6, atol=1e-7)
    for strange in (
        np.ones(3, np.float32), model[1].weight.copy(), model[1].weight[1:],
        model[1].weight.reshape(-1), model.gradients()[0],
    ):  # fmt: skip
        optimizer = optim.SGD([model[1].bias, strange], lr=0.1)
        with pytest.raises(ValueError, match=r"2 arrays of which number 1 is not a parameter"):
            rv.Trainer(model, losses.cross_entropy, optimizer)


def classification():
    return X, X[:, :3].argmax(axis=1)


def regression():
    return X, X[:, 0] - X[:, 1]


ESTIMATORS = [("MLPClassifier", classification), ("MLPRegressor", regression)]


@every_copy
@pytest.mark.parametrize(("name", "data"), ESTIMATORS, ids=[name for name, _ in ESTIMATORS])
@pytest.mark.parametrize("early", [False, True], ids=["", "early stopping"])
@pytest.mark.parametrize("solver", ["lbfgs", "sgd", "adam", "Lion"])
def test_a_fitted_estimator_trains_on_with_the_same_bits(solver, early, name, data, copied):
    sklearn = pytest.importorskip("ranvier.sklearn")
    x, y = data()
    model = getattr(sklearn, name)(
        hidden_layer_sizes=(8,), activation="prelu", solver=solver, early_stopping=early,
        learning_rate_init=0.01, max_iter=4, batch_size=7, warm_start=True, random_state=0,
        validation_fraction=0.2,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
        again = copied(model)
        check_is_one(again.model_)
        check_same_bits(again.predict(x), model.predict(x), "predictions")
        assert np.shares_memory(again.coefs_[0], again.model_[0].weight)
        before = model.model_.flat_parameters.copy()
        ways = ["fit"] if early or solver == "lbfgs" else ["fit", "partial_fit", "partial_fit"]
        for way in ways:
            for each in (model, again):
                getattr(each, way)(x, y)
            # Early stopping may go back to the parameters of the first fit: those were the best.
            assert early or np.any(model.model_.flat_parameters != before)
            check_same_bits(again.model_.flat_parameters, model.model_.flat_parameters, way)
    assert again.loss_ == model.loss_
    if solver != "lbfgs":
        assert again.loss_curve_ == model.loss_curve_ and len(model.loss_curve_) > 4
    check_same_bits(again.predict(x), model.predict(x), "predictions after more training")
