"""Damaged and hostile files: a refusal of the documented kind, and everything as it was."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ranvier as rv
from ranvier import data as data_sets
from ranvier import losses, nn, optim

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")
TARGET = np.arange(8) % 3


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh(), nn.BatchNorm1d(3))


def trainer() -> rv.Trainer:
    layers = model()
    return rv.Trainer(layers, losses.cross_entropy, optim.Adam(layers.parameters(), lr=0.01))


def bytes_of(write: Any, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        write(path)
        return path.read_bytes()


@cache
def parameters() -> bytes:
    return bytes_of(lambda path: rv.save(model(), path), ".safetensors")


@cache
def checkpoint() -> bytes:
    trained = trainer()
    trained.fit(np.eye(8, 4, dtype=np.float32), TARGET, epochs=1, progress=False)
    return bytes_of(trained.save, ".safetensors")


@cache
def archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, X=np.eye(8, 4), y=TARGET)
    return file.getvalue()


TABLE = b"a,b,class\n1,2.5,0\n-3,4e-2,1\n5,6,0\n7,8,1\n"


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """With a few bits, bytes or pieces other than they were."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed)))
        kind = draw(st.sampled_from(("bit", "bytes", "insert", "remove", "truncate")))
        if kind == "bit" and at < len(changed):
            changed[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "bytes":
            new = draw(st.binary(max_size=8))
            changed[at : at + len(new)] = new
        elif kind == "insert":
            changed[at:at] = draw(st.binary(max_size=8) | st.just(bytes(changed[: at // 2])))
        elif kind == "remove":
            del changed[at : at + draw(st.integers(0, 64))]
        elif kind == "truncate":
            del changed[at:]
    return bytes(changed)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(("model", "0.weight", "F32", "$array", "Linear", "state", "exp_avg"))
)
keys = st.sampled_from(
    ("$array", "$tuple", "$dict", "model", "optimizer", "0.weight", "state", "param_groups", "x")
)
trees = st.recursive(
    leaves,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(keys, inside, max_size=3),
    max_leaves=8,
)


def parts_of(content: bytes) -> tuple[dict[str, Any], bytes]:
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def joined(header: dict[str, Any], tensors: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tensors


@st.composite
def hostile_headers(draw: st.DrawFn, content: bytes) -> bytes:
    """A header that is whole but says other things of the tensors."""
    header, tensors = parts_of(content)
    name = draw(st.sampled_from([name for name in header if name != "__metadata__"]))
    entry = header[name]
    kind = draw(st.sampled_from(("dtype", "shape", "data_offsets", "entry", "name")))
    if kind == "dtype":
        entry["dtype"] = draw(st.sampled_from(("F64", "BF16", "I8", "F16", "F8_E4M3", "U64", "?")))
    elif kind == "shape":
        entry["shape"] = draw(st.lists(st.integers(-1, 2**64), max_size=3))
    elif kind == "data_offsets":
        entry["data_offsets"] = draw(st.lists(st.integers(0, 2**64), min_size=2, max_size=2))
    elif kind == "entry":
        header[name] = draw(trees)
    else:
        header[draw(st.text(max_size=4))] = header.pop(name)
    return joined(header, tensors)


@st.composite
def hostile_states(draw: st.DrawFn, content: bytes) -> bytes:
    """A checkpoint one value of which, anywhere in its state, is another."""
    header, tensors = parts_of(content)
    state = json.loads(header["__metadata__"]["state"])
    node: Any = state
    while True:
        inside = list(node) if isinstance(node, dict) else list(range(len(node)))
        at = draw(st.sampled_from(inside))
        if not isinstance(node[at], dict | list) or not node[at] or draw(st.integers(0, 3)) == 0:
            break
        node = node[at]
    if isinstance(node, dict) and draw(st.booleans()):
        del node[at]
    else:
        node[at] = draw(trees)
    header["__metadata__"]["state"] = json.dumps(state)
    return joined(header, tensors)


def read(content: bytes, suffix: str, reader: Any, refusals: tuple[type[Exception], ...]) -> bool:
    """Whether it can be read; if not, that says which file it was."""
    refusal: Exception | None = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file{suffix}")
        path.write_bytes(content)
        try:
            reader(path)
        except refusals as raised:
            refusal = raised
    assert refusal is None or path.name in str(refusal), f"{refusal!r} does not name the file"
    return refusal is None


@given(data=st.data())
def test_parameters(data):
    content = data.draw(damaged(parameters()) | hostile_headers(parameters()))
    layers = model()
    before = {name: array.tobytes() for name, array in layers.state_dict().items()}
    if not read(content, ".safetensors", lambda path: rv.load(layers, path), (ValueError,)):
        after = {name: array.tobytes() for name, array in layers.state_dict().items()}
        assert after == before, "half loaded"


@given(data=st.data())
def test_checkpoints(data):
    content = data.draw(
        hostile_states(checkpoint()) | hostile_headers(checkpoint()) | damaged(checkpoint())
    )
    layers = model()
    before = {name: array.tobytes() for name, array in layers.state_dict().items()}
    optimizer = optim.Adam(layers.parameters(), lr=0.01)

    def resume(path: Path) -> None:
        rv.Trainer.resume(path, layers, losses.cross_entropy, optimizer)

    if not read(content, ".safetensors", resume, (ValueError,)):
        after = {name: array.tobytes() for name, array in layers.state_dict().items()}
        assert after == before, "half resumed"
        assert not optimizer.state_dict()["state"], "the optimizer half resumed"


@given(data=st.data())
def test_data_sets(data):
    suffix, content = data.draw(st.sampled_from(((".npz", archive()), (".csv", TABLE))))
    read(data.draw(damaged(content)), suffix, data_sets.load, (data_sets.DataError, MemoryError))
