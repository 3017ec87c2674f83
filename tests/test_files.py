"""Files of parameters and of training runs: against the format read by hand, and damaged ones."""

from __future__ import annotations

import copy
import errno
import json
import os
import pickle
import random
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import ranvier as rv
from checks import check_same_bits
from noise import Noise
from ranvier import _atomic, _checkpoint, _safetensors, losses, nn, optim
from ranvier.callbacks import EarlyStopping, ModelCheckpoint
from ranvier.optim import lr_scheduler

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1", "BOOL": "?"}


def model(seed=0, dtype=np.float32):
    return nn.Sequential(
        nn.Linear(3, 2, rng=seed, dtype=dtype),
        nn.ReLU(),
        nn.Linear(2, 2, rng=seed + 1, dtype=dtype),
    )


def parsed(path):
    """The arrays of a safetensors file and its metadata, from the text of the format."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        arrays[name] = np.frombuffer(raw, DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays, metadata


def written(arrays, metadata=None, dtypes=None):
    """The bytes of such a file."""
    header, body = {} if metadata is None else {"__metadata__": metadata}, b""
    for name, array in arrays.items():
        letter = array.dtype.kind.upper() + str(8 * array.itemsize)
        header[name] = {
            "dtype": (dtypes or {}).get(name, letter),
            "shape": array.shape,
            "data_offsets": [len(body), len(body) + array.nbytes],
        }
        body += array.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


# Parameters in a file.


def test_save_writes_the_format(tmp_path):
    net = model()
    rv.save(net, tmp_path / "net")
    arrays, metadata = parsed(tmp_path / "net")
    assert metadata == {}
    assert sorted(arrays) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    for name, parameter in net.named_parameters():
        check_same_bits(arrays[name], parameter, name)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_load_reads_the_format(tmp_path, dtype):
    net = model()
    values = {name: np.full(p.shape, i + 0.5, dtype) for i, (name, p) in
              enumerate(net.named_parameters())}  # fmt: skip
    (tmp_path / "net").write_bytes(written(values, {"anything": "else"}))
    rv.load(net, str(tmp_path / "net"))
    for name, parameter in net.named_parameters():
        check_same_bits(parameter, values[name].astype(np.float32), name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_bit_comes_back(tmp_path, dtype):
    net, other = model(dtype=dtype), model(1, dtype)
    special = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324, np.finfo(dtype).smallest_subnormal]
    net.flat_parameters[:7] = special
    rv.save(net, tmp_path / "net")
    rv.load(other, tmp_path / "net")
    check_same_bits(other.flat_parameters, net.flat_parameters, "loaded")


def test_a_module_without_parameters(tmp_path):
    rv.save(nn.ReLU(), tmp_path / "net")
    rv.load(nn.Tanh(), tmp_path / "net")


class Stub(nn.Module):
    def __init__(self, arrays):
        super().__init__()
        self.arrays = arrays

    def state_dict(self):
        return self.arrays


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0)[::-2],
        np.arange(4, dtype=">f4"),
        np.array(7),
        np.zeros((0, 3), np.float32),
        np.array([True, False]),
        np.broadcast_to(np.float16(2), (2, 2)),
    ],
    ids=["transposed", "fortran", "strided", "swapped", "0-d", "empty", "bool", "broadcast"],
)
def test_arrays_of_any_layout(tmp_path, array):
    rv.save(Stub({"buffer": array}), tmp_path / "net")
    arrays, _ = parsed(tmp_path / "net")
    expected = array.astype(array.dtype.newbyteorder("<"), order="C")
    check_same_bits(arrays["buffer"], expected, "in the file")


@pytest.mark.parametrize("dtype", [complex, np.longdouble, object, "U3", "M8[s]"])
def test_arrays_that_a_file_cannot_hold(tmp_path, dtype):
    if np.dtype(dtype) == np.float64:
        dtype = np.complex64  # a long double is no longer everywhere
    with pytest.raises(TypeError, match=r"buffer has dtype .*; expected bool, or integers"):
        rv.save(Stub({"buffer": np.zeros(2, dtype)}), tmp_path / "net")
    assert not os.listdir(tmp_path)


GOOD = {name: p.copy() for name, p in model().named_parameters()}
DAMAGED = {
    "empty": b"",
    "text": b"epoch,loss\n1,2\n" * 20,
    "pickle": pickle.dumps(GOOD),
    "zip": b"PK\x03\x04" + bytes(100),
    "a header of 2^63 bytes": struct.pack("<Q", 2**63) + written(GOOD)[8:],
    "too long": written(GOOD) + b"\0",
    "no JSON": struct.pack("<Q", 5) + b"{'a':",
    "a list": struct.pack("<Q", 2) + b"[]",
    "deep": struct.pack("<Q", 10**6) + b'{"a":' * 200_000,
    "metadata of numbers": written(GOOD, {"x": 3}),
    "bfloat16": written(GOOD, dtypes={"2.bias": "BF16"}).replace(b"[2]", b"[4]"),
    "float8": written({"2.bias": np.zeros(2, np.uint8)}, dtypes={"2.bias": "F8_E4M3"}),
    "an unknown dtype": written(GOOD, dtypes={"2.bias": "F31"}),
    "huge shape": written({"a": np.zeros(0, np.float32)}).replace(
        b"[0]", b"[4611686018427387904, 4, 0]"
    ),
    "overlap": written({"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}).replace(
        b"[8, 16]", b"[0, 16]"
    ),
    "one lacks": written({k: v for k, v in GOOD.items() if k != "2.bias"}),
    "one too many": written({**GOOD, "2.scale": np.ones(2, np.float32)}),
    "another shape": written({**GOOD, "2.bias": np.ones((2, 1), np.float32)}),
    "complex": written({**GOOD, "2.bias": np.ones(2, np.complex64)}),
    "a checkpoint without a state": written(GOOD, {"format": "ranvier checkpoint 1"}),
    "a checkpoint of nothing": written(GOOD, {"format": "ranvier checkpoint 1", "state": "{}"}),
    "a checkpoint of a list": written(GOOD, {"format": "ranvier checkpoint 1", "state": "[]"}),
    "a checkpoint without its arrays": written(
        GOOD, {"format": "ranvier checkpoint 1", "state": '{"model": {"$array": "gone"}}'}
    ),
    "a deep checkpoint": written(GOOD, {"format": "ranvier checkpoint 1", "state": "[" * 10**6}),
    "a checkpoint of a number": written(
        GOOD, {"format": "ranvier checkpoint 1", "state": '{"model": 3}'}
    ),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_changes_nothing(tmp_path, what):
    path = tmp_path / "net"
    path.write_bytes(DAMAGED[what])
    net = model(5)
    before = net.flat_parameters.copy()
    with pytest.raises(ValueError, match="net: ") as caught:
        rv.load(net, path)
    assert str(caught.value).startswith(f"{path}: ")
    check_same_bits(net.flat_parameters, before, what)


def test_a_file_cut_anywhere(tmp_path):
    path, whole, net = tmp_path / "net", written(GOOD), model(5)
    before = net.flat_parameters.copy()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="net: "):
            rv.load(net, path)
    check_same_bits(net.flat_parameters, before, "cut")
    path.write_bytes(whole)
    rv.load(net, path)


def test_a_byte_changed_anywhere_in_the_header(tmp_path):
    path, whole = tmp_path / "net", written(GOOD)
    changes = random.Random(0)
    for position in range(len(whole) - sum(a.nbytes for a in GOOD.values())):
        other = changes.choice([b for b in range(256) if b != whole[position]])
        path.write_bytes(whole[:position] + bytes([other]) + whole[position + 1 :])
        net = model(5)
        before = net.flat_parameters.copy()
        refused = value_error(rv.load, net, path)
        if refused is not None:
            assert str(path) in refused
            check_same_bits(net.flat_parameters, before, f"byte {position}")


def value_error(function, *arguments):
    """The text of the ValueError that a call raises; None if it returns."""
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)
    return None


def test_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        rv.load(model(), tmp_path / "nothing")
    with pytest.raises(OSError, match=str(tmp_path)):
        rv.load(model(), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone/net'"):
        rv.save(model(), tmp_path / "gone/net")
    for function in (rv.save, rv.load):
        with pytest.raises(TypeError, match="module is 3; expected a ranvier Module"):
            function(3, tmp_path / "net")


def test_without_safetensors(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    run = trainer(callbacks=[ModelCheckpoint(tmp_path / "run")])
    for call in (
        lambda: rv.save(model(), tmp_path / "net"),
        lambda: rv.load(model(), tmp_path / "net"),
        lambda: run.save(tmp_path / "run"),
        lambda: resumed(tmp_path / "run"),
        lambda: run.fit(*points()),
    ):
        with pytest.raises(ImportError, match=r"needs safetensors, .* 'ranvier\[io\]'"):
            call()
    assert run.epoch == 0


# Atomic writing.


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(monkeypatch, tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fails(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "the name aside")

    monkeypatch.setattr(os, name, fails)
    with pytest.raises(OSError, match="No space left on device") as caught:
        _atomic.replace_file(path, b"new")
    assert caught.value.filename == str(path)
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_bytes() == b"old"


def test_the_order_that_outlives_a_power_failure(monkeypatch, tmp_path):
    done = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        done.append((kind, os.fstat(descriptor).st_size if kind == "file" else None))
        fsync(descriptor)

    def replaced(source, target):
        done.append(("replace", Path(source).parent == Path(target).parent))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    _atomic.replace_file(tmp_path / "file", b"new")
    assert done == [("file", 3), ("replace", True), ("folder", None)]


def test_permissions_links_and_what_is_no_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    _atomic.replace_file(tmp_path / "file", b"data")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "link").symlink_to(tmp_path / "file")
    _atomic.replace_file(tmp_path / "link", b"through the link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"through the link"
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(OSError, match="not a regular file"):
            _atomic.replace_file(tmp_path / name, b"data")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(os.listdir(tmp_path)) == ["file", "link", "pipe", "plain"]


# States.

STATE = {
    "numbers": [0, -1, 2**200, 0.1, -0.0, float("inf"), 5e-324, True, None, "text \u2603"],
    "tuple": (0.9, (0.999, []), {}),
    "dict": {0: "zero", (1, 2): "pair", None: {"$array": "no array"}, "$x": 1, True: 2},
    "arrays": {"a": np.arange(3), "a.b": np.ones((2, 0)), "b": {0: np.array(3.5)}},
    "a": {"b": np.float32([1.5]), "c": [np.uint32([2**32 - 1]), (np.array([True]),)]},
    "arrays.a": np.zeros(1),
}


def same(got, expected, place="state"):
    assert type(got) is type(expected), f"{place}: {got!r}, not {expected!r}"
    if isinstance(expected, np.ndarray):
        check_same_bits(got, expected, place)
    elif isinstance(expected, dict):
        assert list(got) == list(expected), place
        for key in expected:
            same(got[key], expected[key], f"{place}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        assert len(got) == len(expected), place
        for i, (left, right) in enumerate(zip(got, expected, strict=True)):
            same(left, right, f"{place}[{i}]")
    else:
        assert repr(got) == repr(expected), place


def test_a_state_comes_back(tmp_path):
    _checkpoint.write(tmp_path / "state", STATE)
    same(_checkpoint.read(tmp_path / "state"), STATE)
    arrays, metadata = parsed_names(tmp_path / "state")
    assert len(arrays) == 7 and set(metadata) == {"format", "state"}


def parsed_names(path):
    arrays, metadata = _safetensors.read(path)
    return sorted(arrays), metadata


def test_numbers_of_numpy_are_numbers(tmp_path):
    _checkpoint.write(
        tmp_path / "state", {"a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(1)}
    )
    same(_checkpoint.read(tmp_path / "state"), {"a": 0.1, "b": 3, "c": True})


def test_what_is_no_state_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"a\.0\.b is a function; expected numbers"):
        _checkpoint.write(tmp_path / "state", {"a": [{"b": lambda: 0}]})
    assert not os.listdir(tmp_path)


# Training runs.


class Zigzag:
    """A schedule that knows where it is."""

    def __init__(self, optimizer, factors=(0.5, 3.0, 0.25)):
        self.optimizer, self.factors, self.turn = optimizer, factors, 0
        self.past = []

    def step(self):
        self.past.append(self.optimizer.lr)
        self.optimizer.lr *= self.factors[self.turn % 3]
        self.turn += 1

    def state_dict(self):
        return {"factors": self.factors, "turn": self.turn, "past": self.past}

    def load_state_dict(self, state_dict):
        self.factors, self.turn = state_dict["factors"], state_dict["turn"]
        self.past[:] = state_dict["past"]


def points(n=70, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3), np.float32)
    return X, (X.sum(axis=1) > 0).astype(int)


OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.99), weight_decay=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.05, amsgrad=True),
    "groups": lambda p: optim.Adam([{"params": p[:1]}, {"params": p[1:], "lr": 0.5, "eps": 1e-3}]),
}


def parts(optimizer="adam", rng=7, seed=0, dtype=np.float32):
    net = nn.Sequential(
        nn.Linear(3, 8, rng=seed, dtype=dtype),
        Noise(rng),
        nn.ReLU(),
        nn.Linear(8, 2, rng=1, dtype=dtype),
    )
    return net, losses.cross_entropy, OPTIMIZERS[optimizer](net.parameters())


def trainer(optimizer="adam", *, seed=0, rng=7, **options):
    net, loss, opt = parts(optimizer, rng)
    return rv.Trainer(net, loss, opt, seed=seed, scheduler=Zigzag(opt), **options)


def resumed(path, optimizer="adam", *, rng=11, **options):
    """With other parameters, another generator and another rate than the file's."""
    net, loss, opt = parts(optimizer, rng, seed=99)
    opt.lr = 77.0
    schedule = Zigzag(opt, (9.0,))
    return rv.Trainer.resume(path, net, loss, opt, scheduler=schedule, **options)


@pytest.mark.parametrize("epochs", [0, 1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_resumed_run_gives_the_bits_of_one_that_was_not_stopped(tmp_path, optimizer, epochs):
    X, y = points()
    options = {"batch_size": 16, "validation_data": (X[:20], y[:20])}
    whole = trainer(optimizer)
    whole.fit(X, y, epochs=6, **options)
    first = trainer(optimizer)
    first.fit(X, y, epochs=epochs, **options)
    first.save(tmp_path / "run")
    again = resumed(tmp_path / "run", optimizer)
    assert again.epoch == epochs
    again.fit(X, y, epochs=6 - epochs, **options)
    check_same_bits(again.model.flat_parameters, whole.model.flat_parameters, optimizer)
    same(again.optimizer.state_dict(), whole.optimizer.state_dict())
    assert again.scheduler.turn == 6 and type(again.scheduler.factors) is tuple
    for key in ("loss", "val_loss", "accuracy", "val_accuracy"):
        assert again.history[key] == whole.history[key] and len(whole.history[key]) == 6
    again.save(tmp_path / "again")
    whole.save(tmp_path / "whole")
    saved, expected = (_checkpoint.read(tmp_path / name) for name in ("again", "whole"))
    for state in (saved, expected):
        del state["history"]["seconds"]
    same(saved, expected)


SCHEDULES = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2, gamma=0.5),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=20),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=0.5),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.5)], milestones=[3]
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_goes_on(tmp_path, schedule):
    X, y = points()

    def run(epochs, path=None):
        net, loss, opt = parts("momentum", seed=0 if path is None else 99)
        options = {"scheduler": SCHEDULES[schedule](opt)}
        if path is None:
            result = rv.Trainer(net, loss, opt, seed=0, **options)
        else:
            result = rv.Trainer.resume(path, net, loss, opt, **options)
        result.fit(X, y, epochs=epochs, batch_size=16)
        return result

    whole, first = run(6), run(3)
    first.save(tmp_path / "run")
    again = run(3, tmp_path / "run")
    check_same_bits(again.model.flat_parameters, whole.model.flat_parameters, schedule)
    same(again.scheduler.state_dict(), whole.scheduler.state_dict())
    assert again.optimizer.lr == whole.optimizer.lr


def test_the_model_of_a_checkpoint_loads_on_its_own(tmp_path):
    run = trainer()
    run.fit(*points(), epochs=1)
    run.save(tmp_path / "run")
    net = parts(seed=5)[0]
    rv.load(net, tmp_path / "run")
    check_same_bits(net.flat_parameters, run.model.flat_parameters, "loaded")
    arrays, _ = parsed(tmp_path / "run")
    check_same_bits(arrays["model.0.weight"], run.model[0].weight, "in the file")


def generator(kind=np.random.MT19937, seed=3):
    return np.random.Generator(kind(seed))


@pytest.mark.parametrize("kind", ["MT19937", "PCG64DXSM", "Philox", "SFC64"])
def test_generators_of_every_kind_also_shared_with_a_layer(tmp_path, kind):
    X, y = points()
    kind = getattr(np.random, kind)
    shared = generator(kind)
    whole = trainer(seed=shared, rng=shared)
    whole.fit(X, y, epochs=4, batch_size=16)
    shared = generator(kind)
    first = trainer(seed=shared, rng=shared)
    first.fit(X, y, epochs=2, batch_size=16)
    first.save(tmp_path / "run")
    shared = generator(kind, 8)
    again = resumed(tmp_path / "run", seed=shared, rng=shared)
    again.fit(X, y, epochs=2, batch_size=16)
    check_same_bits(again.model.flat_parameters, whole.model.flat_parameters, "shared")
    with pytest.raises(ValueError, match=r"run: .*PCG64"):
        resumed(tmp_path / "run", rng=generator(kind), seed=0)


def changed(state, *path, value):
    """A copy of a state with another value at a place."""
    if not path:
        return value
    if isinstance(state, (list, tuple)):
        return [changed(v, *path[1:], value=value) if i == path[0] else v
                for i, v in enumerate(state)]  # fmt: skip
    return {**state, path[0]: changed(state.get(path[0]), *path[1:], value=value)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("epoch",), -1),
        (("epoch",), "three"),
        (("history",), [1.0]),
        (("history", "loss"), 3),
        (("random",), None),
        (("random", "state"), {"state": -1, "inc": 2**300}),
        (("random", "bit_generator"), "os.system"),
        (("model",), {}),
        (("model", "0.bias"), np.ones(7, np.float32)),
        (("model", "0.bias"), "text"),
        (("layers",), []),
        (("layers",), 3),
        (("layers", 0), {"bit_generator": "PCG64"}),
        (("optimizer",), None),
        (("optimizer", "param_groups"), []),
        (("optimizer", "param_groups", 0, "lr"), -1.0),
        (("optimizer", "state", 3, "exp_avg"), np.ones(3, np.float32)),
        (("optimizer", "state", 3, "step"), "all"),
        (("scheduler",), None),
        (("scheduler",), {"turn": 1}),
        (("callbacks",), []),
        (("callbacks",), None),
        (("callbacks", 0, 0), "ModelCheckpoint"),
        (("callbacks", 0, 1), {}),
        (("callbacks", 0, 1, "wait"), -1),
        (("callbacks", 0, 1, "best_state"), [1]),
        (("callbacks", 1, 1, "due"), {"epoch": "../../elsewhere"}),
    ],
)
def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path, path, value):
    X, y = points()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}")
    options = {"validation_data": (X, y), "batch_size": 16}
    first = trainer(callbacks=[EarlyStopping(restore_best=True), checkpoint])
    first.fit(X, y, epochs=2, **options)
    state = _checkpoint.read(tmp_path / "2")
    _checkpoint.write(tmp_path / "damaged", changed(state, *path, value=value))

    net, loss, opt = parts(seed=4)
    schedule, stopping = Zigzag(opt), EarlyStopping(patience=50)
    mine = {"scheduler": schedule, "callbacks": [stopping, ModelCheckpoint(tmp_path / "{epoch}")]}
    rng = np.random.default_rng(6)
    other = rv.Trainer(net, loss, opt, seed=rng, **mine)
    other.fit(X, y, epochs=3, **options)
    before = copy.deepcopy(other._state())
    with pytest.raises(ValueError, match="damaged: ") as caught:
        rv.Trainer.resume(tmp_path / "damaged", net, loss, opt, seed=rng, **mine)
    assert str(caught.value).startswith(f"{tmp_path / 'damaged'}: ")
    same(other._state(), before)
    # The same file undamaged does fit, and does change something.
    rv.Trainer.resume(tmp_path / "2", net, loss, opt, seed=rng, **mine)
    assert np.any(net.state_dict()["0.weight"] != before["model"]["0.weight"])


@pytest.mark.parametrize(
    "key",
    ["epoch", "stopping", "history", "random", "model", "layers", "optimizer", "scheduler",
     "callbacks"],
)  # fmt: skip
def test_a_checkpoint_that_lacks_something(tmp_path, key):
    run = trainer()
    state = run._state()
    del state[key]
    _checkpoint.write(tmp_path / "run", state)
    with pytest.raises(ValueError, match=rf"run: the state lacks \['{key}'\]"):
        resumed(tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: parts("groups"), r"groups of \[4\] parameters; expected \[1, 3\]"),
        (lambda: parts(dtype=np.float64), "dtype float32; expected float64"),
        (lambda: (model(), losses.cross_entropy, optim.Adam(model().parameters())), "optimizer h"),
        (
            lambda: (
                n := nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.ReLU(), nn.Linear(8, 2)),
                losses.cross_entropy,
                optim.Adam(n.parameters()),
            ),
            "0 layers have a random state; expected 1",
        ),
    ],
)
def test_a_checkpoint_of_another_run(tmp_path, change, message):
    run = trainer()
    run.fit(*points(), epochs=1)
    run.save(tmp_path / "run")
    net, loss, opt = change()
    with pytest.raises(ValueError, match=message):
        rv.Trainer.resume(tmp_path / "run", net, loss, opt, scheduler=Zigzag(opt))
    with pytest.raises(ValueError, match="run: scheduler is None; expected that of the run"):
        rv.Trainer.resume(tmp_path / "run", *parts())
    rv.save(parts()[0], tmp_path / "net")
    with pytest.raises(ValueError, match=r"net: not a checkpoint; expected .* Trainer\.save"):
        rv.Trainer.resume(tmp_path / "net", *parts())


def test_what_cannot_be_saved(tmp_path):
    net, loss, opt = parts()

    class Plain:
        def step(self):
            pass

    run = rv.Trainer(net, loss, opt, scheduler=Plain())
    run.fit(*points(), epochs=1)
    with pytest.raises(TypeError, match=r"scheduler is <.*Plain.*>; expected one with state_dict"):
        run.save(tmp_path / "run")
    run = rv.Trainer(net, loss, opt, scheduler=Zigzag(opt, (len,)))
    with pytest.raises(TypeError, match=r"scheduler\.factors\.0 is a builtin_function_or_method"):
        run.save(tmp_path / "run")
    assert not os.listdir(tmp_path)


def test_a_run_that_was_stopped_stays_so_until_its_fit_has_ended(tmp_path):
    X, y = points()

    class Second:
        def on_epoch_end(self, trainer, logs):
            if trainer.epoch == 2:
                trainer.stop()

        def on_epoch_complete(self, trainer, logs):
            trainer.save(tmp_path / str(trainer.epoch))

    trainer(callbacks=[Second()]).fit(X, y, epochs=5)
    again = resumed(tmp_path / "2", callbacks=[Second()])
    assert again.fit(X, y, epochs=3) == {} and again.epoch == 2
    assert len(again.fit(X, y, epochs=3)["loss"]) == 3
    assert len(resumed(tmp_path / "1").fit(X, y, epochs=3)["loss"]) == 3


def test_a_run_killed_at_any_moment_ends_with_the_same_bits(tmp_path):
    script = Path(__file__).with_name("killed.py")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip

        def run(folder, delay):
            folder.mkdir(exist_ok=True)
            print(delay, folder, file=process.stdin, flush=True)
            return int(process.stdout.readline())

        def ended(folder):
            return json.loads((folder / "ended.json").read_text())

        assert run(tmp_path / "whole", "never") == 0
        expected = ended(tmp_path / "whole")
        start = time.monotonic()
        assert run(tmp_path / "again", "never") == 0
        duration = time.monotonic() - start
        assert ended(tmp_path / "again") == expected
        assert 10 < expected["epochs"] < 30, "the run is to be stopped early, but not at once"
        delays = random.Random(0)
        killed = in_a_save = runs = 0
        while killed < 100:
            folder = tmp_path / str(runs)
            while run(folder, delays.uniform(0, duration / 2)) != 0:
                killed += 1
            assert ended(folder) == expected, f"after {killed} kills"
            in_a_save += len(list(folder.glob(".ranvier-*")))
            runs += 1
        process.stdin.close()
    assert in_a_save > 0
    print(f"{killed} kills of {runs} runs, {in_a_save} of them in the middle of a write")
