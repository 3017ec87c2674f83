"""Data sets: the real ones, and files that are right, odd or damaged."""

from __future__ import annotations

import contextlib
import gzip
import io
import zipfile

import numpy as np
import pytest

from ranvier import data
from ranvier.data import DataError


def test_digits():
    digits = data.load("digits")
    assert digits.x_train.shape == (1437, 64) and digits.x_test.shape == (360, 64)
    assert digits.x_train.dtype == np.float32 and digits.y_train.dtype == np.int64
    assert digits.x_train.min() == 0 and digits.x_train.max() == 1
    assert digits.classes == 10 and set(digits.y_test) == set(range(10))
    again = data.load_digits()
    np.testing.assert_array_equal(digits.x_train, again.x_train)
    assert np.any(data.load_digits(seed=1).y_test != digits.y_test)
    # Together they are all of scikit-learn's, each once.
    from sklearn.datasets import load_digits

    everything = np.concatenate([digits.x_train, digits.x_test]) * 16
    labels = np.concatenate([digits.y_train, digits.y_test])
    X, y = load_digits(return_X_y=True)
    assert sorted(map(tuple, np.c_[everything, labels])) == sorted(map(tuple, np.c_[X, y]))


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """Six and four images of 2 x 3 pixels, as Fashion-MNIST has them."""
    rng = np.random.default_rng(0)
    for part, n in (("train", 6), ("t10k", 4)):
        images = rng.integers(0, 256, (n, 2, 3))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        labels = np.arange(n)
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return tmp_path


def test_fashion_mnist_files(folder):
    loaded = data.load("fashion-mnist", folder)
    rng = np.random.default_rng(0)
    for x, n in ((loaded.x_train, 6), (loaded.x_test, 4)):
        images = rng.integers(0, 256, (n, 2, 3))
        np.testing.assert_array_equal(x, images.reshape(n, 6).astype(np.float32) / np.float32(255))
    assert loaded.y_train.tolist() == [0, 1, 2, 3, 4, 5] and loaded.y_test.tolist() == [0, 1, 2, 3]
    assert loaded.classes == 10 and loaded.y_train.dtype == np.int64


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (IMAGES, None, "train-images-idx3-ubyte.gz: no such file"),
        (IMAGES, lambda b: b[:-20], "cannot be read"),
        (IMAGES, lambda b: b"", "expected an IDX file"),
        (IMAGES, lambda b: b"not gzip", "cannot be read: Not a gzipped file"),
        (IMAGES, lambda b: b[:20] + b"\xff" * 20 + b[40:], "cannot be read"),
        (IMAGES, lambda b: gzip.compress(gzip.decompress(b)[:-1]), "35 bytes of data; expected 36"),
        (IMAGES, lambda b: gzip.compress(gzip.decompress(b) + b"x"), "37 bytes of data"),
        (IMAGES, lambda b: gzip.compress(gzip.decompress(b)[:10]), "expected an IDX file"),
        (IMAGES, lambda b: gzip.compress(b"\x89PNG" + b"0" * 99), "expected an IDX file"),
        (IMAGES, lambda b: gzip.compress(idx(np.ones((5, 2, 3)))), "5 images and 6 labels"),
        (IMAGES, lambda b: gzip.compress(idx(np.ones((6, 3, 3)))), "differ in size"),
        (IMAGES, lambda b: gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12), "0 bytes of data"),
        (LABELS, lambda b: gzip.compress(idx(np.full(4, 10))), "is 10; expected at most 9"),
        (LABELS, lambda b: gzip.compress(idx(np.ones((4, 1)))), "with 1 axes"),
    ],
)  # fmt: skip
def test_damaged_fashion_mnist(folder, name, change, message):
    path = folder / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message) as error:
        data.load_fashion_mnist(folder)
    assert "\n" not in str(error.value)


def test_fashion_mnist_says_where_to_get_it(tmp_path):
    with pytest.raises(DataError, match="no such folder; install Debian's package"):
        data.load_fashion_mnist(tmp_path / "nowhere")


def test_npz_with_a_split_of_its_own(tmp_path):
    path = tmp_path / "d.npz"
    X = np.arange(48).reshape(8, 2, 3)
    y = np.array([3, 5, 3, 9, 3, 5, 9, 9])
    np.savez(path, x_train=X[:6], y_train=y[:6], x_test=X[6:], y_test=y[6:, None])
    loaded = data.load_npz(path)
    np.testing.assert_array_equal(loaded.x_train, X[:6].reshape(6, 6))
    np.testing.assert_array_equal(loaded.x_test, X[6:].reshape(2, 6))
    assert loaded.y_train.tolist() == [0, 1, 0, 2, 0, 1] and loaded.y_test.tolist() == [2, 2]
    assert loaded.classes == 3 and loaded.x_train.dtype == np.float32


def test_npz_is_split_by_lot_and_standardized(tmp_path):
    path = tmp_path / "d.npz"
    X = np.random.default_rng(0).normal(3, 7, (51, 4))
    X[:, 3] = 5
    np.savez_compressed(path, X=X, y=np.arange(51.0))
    raw, loaded = data.load_npz(path), data.load(path)
    assert len(raw.x_train) == 40 and len(raw.x_test) == 11 and raw.classes is None
    assert raw.y_train.dtype == np.float32
    every = np.concatenate([raw.y_train, raw.y_test]).astype(int)
    assert sorted(every) == list(range(51))
    np.testing.assert_array_equal(np.concatenate([raw.x_train, raw.x_test]), X[every].astype("f4"))
    np.testing.assert_allclose(loaded.x_train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(loaded.x_train.std(axis=0), [1, 1, 1, 0], atol=1e-6)
    mean, deviation = raw.x_train.mean(axis=0), raw.x_train.std(axis=0)
    expected = (raw.x_test[:, :3] - mean[:3]) / deviation[:3]
    np.testing.assert_allclose(loaded.x_test[:, :3], expected, rtol=1e-4, atol=1e-5)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def saved(path, **arrays):
    np.savez(path, **arrays)


def members(path, **contents):
    """An archive of members that are what they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(f"{name}.npy", content)


GOOD = {"X": np.ones((5, 2)), "y": np.arange(5)}
GOOD_SPLIT = {
    "x_train": np.ones((5, 2)), "y_train": np.arange(5),
    "x_test": np.ones((2, 2)), "y_test": np.arange(2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "directory"),
        (lambda p: p.write_bytes(b""), "cannot be read: No data left in file"),
        (lambda p: p.write_bytes(b"garbage" * 99), "cannot be read"),
        (lambda p: (saved(p, **GOOD), p.write_bytes(p.read_bytes()[:-30])), "cannot be read"),
        (lambda p: p.write_bytes(npy(np.ones(3))), "not one array"),
        (lambda p: zipfile.ZipFile(p, "w").close(), "holds nothing; expected X and y"),
        (lambda p: saved(p, X=np.ones((5, 2))), "holds X; expected X and y"),
        (lambda p: saved(p, **{**GOOD, "y": np.arange(4)}), "5 samples and 4 targets"),
        (lambda p: saved(p, X=np.ones((0, 2)), y=np.arange(0)), "0 samples and 0 targets"),
        (lambda p: saved(p, X=np.ones((1, 2)), y=np.arange(1)), "1 samples; expected at least 2"),
        (lambda p: saved(p, **{**GOOD, "X": np.ones(5)}), r"X has dtype float64 and shape \(5,\)"),
        (lambda p: saved(p, **{**GOOD, "X": np.full((5, 2), "a")}), "X has dtype <U1"),
        (lambda p: saved(p, **{**GOOD, "X": np.full((5, 2), 1j)}), "X has dtype complex128"),
        (lambda p: saved(p, **{**GOOD, "X": np.full((5, 2), np.nan)}), "not a finite float32"),
        (lambda p: saved(p, **{**GOOD, "X": np.full((5, 2), 1e300)}), "not a finite float32"),
        (lambda p: saved(p, **{**GOOD, "y": np.full(5, np.inf)}), "y has a value that is not"),
        (lambda p: saved(p, **{**GOOD, "y": np.eye(5)}), r"shape \(5, 5\); expected one number"),
        (lambda p: saved(p, **{**GOOD, "y": np.array([None] * 5)}), "cannot be read: Object"),
        (lambda p: saved(p, **{**GOOD, "X": np.full((5, 2), None)}), "cannot be read: Object"),
        (lambda p: saved(p, **{**GOOD, "X": np.ones((5, 0))}), r"\(5, 0\); expected at least"),
        (lambda p: saved(p, **{**GOOD, "X": np.ones((5, 3, 0))}), "expected at least one feature"),
        (lambda p: members(p, X=b"no array", y=npy(GOOD["y"])), "X is not an array of numpy.save"),
        (lambda p: members(p, X=npy(GOOD["X"]), y=b""), "y is not an array of numpy.save"),
        (lambda p: members(p, X=npy(GOOD["X"])[:60], y=npy(GOOD["y"])), "cannot be read"),
        (lambda p: members(p, X=npy(GOOD["X"])[:-1], y=npy(GOOD["y"])), "cannot be read"),
        (lambda p: members(p, X=npy(GOOD["X"]).replace(b"}", b"]"), y=b""), "cannot be read"),
        (
            lambda p: saved(p, **{**GOOD_SPLIT, "x_test": np.ones((2, 3))}),
            "differ in the number of features",
        ),
        (
            lambda p: saved(p, **{**GOOD_SPLIT, "y_test": np.ones(2)}),
            "classes or numbers in both",
        ),
    ],
)  # fmt: skip
def test_npz_that_is_not_right(write, message, tmp_path):
    path = tmp_path / "d.npz"
    write(path)
    with pytest.raises(DataError, match=message) as error:
        data.load(path)
    assert "\n" not in str(error.value)
    assert "d.npz" in str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_with_a_damaged_byte(save, tmp_path):
    """Is read, or is a DataError of one line, wherever it is and whatever it becomes."""
    path = tmp_path / "d.npz"
    save(path, **GOOD)
    whole = path.read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 3)]
    for at, byte in enumerate(whole):
        for other in {0, 255, byte ^ 1, byte ^ 32, byte ^ 128} - {byte}:
            damaged.append(whole[:at] + bytes([other]) + whole[at + 1 :])
    messages = []
    for content in damaged:
        path.write_bytes(content)
        with contextlib.suppress(MemoryError):  # where the header says that there is more
            try:
                data.load_npz(path)
            except DataError as error:
                messages.append(str(error))
    assert len(messages) > len(damaged) / 2
    assert not any("\n" in message for message in messages)


def test_csv_of_classes(tmp_path):
    path = tmp_path / "d.csv"
    lines = [f"{i},{i * i}, {'cat' if i % 2 else 'dog'}" for i in range(10)]
    path.write_text('\ufefflength,"the, square",kind\n\n' + "\r\n".join(lines), "utf-8")
    loaded = data.load_csv(path)
    assert loaded.classes == 2 and len(loaded.x_train) == 8
    x = np.concatenate([loaded.x_train, loaded.x_test])
    np.testing.assert_array_equal(x[:, 1], x[:, 0] ** 2)
    # In alphabetical order: the cats, which are odd, are 0.
    y = np.concatenate([loaded.y_train, loaded.y_test])
    np.testing.assert_array_equal(y, (x[:, 0] + 1) % 2)


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        ([7, 9] * 10, 2),
        ([-1, 1] * 10, 2),
        (["1.0", "2"] * 10, 2),
        (range(100), 100),
        (range(101), None),
        ([1.5, 2.0] * 10, None),
        ([f"c{i}" for i in range(150)], 150),
    ],
)
def test_classes_and_numbers_in_csv(targets, classes, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("".join(f"{i},{target}\n" for i, target in enumerate(targets)))
    loaded = data.load_csv(path)
    assert loaded.classes == classes
    assert loaded.y_train.dtype == (np.float32 if classes is None else np.int64)
    assert len(loaded.x_train) + len(loaded.x_test) == len(targets), "the first line is no header"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no samples"),
        (b"a,b,c\n", "no samples"),
        (b"1\n2\n", "1 column; expected features and a target"),
        (b"1,2,0\n1,2\n", "line 2 has 2 columns; expected 3"),
        (b"a,b,c\n1,2,0\n\n3,x,1\n", "line 4 has 'x'; expected a number"),
        (b"1,,0\n1,2,1\n", "line 1 has ''; expected a number"),
        (b"1,nan,0\n1,2,1\n", "not a finite float32"),
        (b"1,2,0.5\n1,2,inf\n", "the target has a value that is not a finite float32"),
        (
            b"1,2,9007199254740992\n1,2,9007199254740993\n",
            "is 2\\*\\*53 or beyond; expected classes",
        ),
        (b"1,2,-9007199254740993\n1,2,5\n", "is 2\\*\\*53 or beyond"),
        (b"1,2,1e300\n1,2,0\n", "is 2\\*\\*53 or beyond"),
        (b"1,2,0\n", "1 samples; expected at least 2"),
        (b"\xff\xfe1,2,0\n", "cannot be read: 'utf-8' codec"),
        (b'1,"2' + b"x" * 200000, "cannot be read: field larger than field limit"),
    ],
)
def test_csv_that_is_not_right(content, message, tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        data.load(path)
    assert "\n" not in str(error.value)
    assert "d.csv" in str(error.value)


def test_load_knows_what_it_is_given(tmp_path):
    with pytest.raises(DataError, match="dataset is 'mnist'; expected digits, fashion-mnist or"):
        data.load("mnist")
    with pytest.raises(DataError, match="data_dir"):
        data.load("digits", tmp_path)
    with pytest.raises(DataError, match=r"nowhere\.CSV: no such file"):
        data.load(tmp_path / "nowhere.CSV")
    for name in ("a" * 5000, "a/" * 5000):
        for suffix in (".npz", ".csv"):
            with pytest.raises(DataError, match="File name too long"):
                data.load(tmp_path / f"{name}{suffix}")
        with pytest.raises(DataError, match="no such folder"):
            data.load("fashion-mnist", tmp_path / name)
    with pytest.raises(DataError, match="cannot be read: embedded null"):
        data.load("\0.csv")


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(DataError, match="scikit-learn, which is not installed; pip install"):
        data.load_digits()
