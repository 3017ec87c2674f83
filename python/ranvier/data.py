"""Data sets as arrays: two of real images, and those in .npz and .csv files."""

from __future__ import annotations

import csv
import gzip
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "DataError",
    "Dataset",
    "load",
    "load_csv",
    "load_digits",
    "load_fashion_mnist",
    "load_npz",
]

Array = npt.NDArray[Any]

#: Where Debian's package dataset-fashion-mnist puts its files.
FASHION_MNIST = "/usr/share/datasets/fashion-mnist"

# Whole numbers in the last column of a .csv file are classes if there are at most so many of them.
_MOST_CLASSES = 100
# From here on, whole numbers that differ may be the same in float64.
_TOO_LARGE_A_CLASS = 2**53
_TEST_SHARE = 0.2


class DataError(ValueError):
    """A data set is missing, damaged or not what it should be; the message is one line."""


@dataclass(frozen=True)
class Dataset:
    """Samples to train on and samples to test with.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of float32, shape (samples, features)
    y_train, y_test : ndarray, shape (samples,)
        int64 classes 0, 1, ..., or float32 numbers.
    classes : int or None
        How many classes there are; None if the target is a number.
    """

    name: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: int | None

    def standardized(self) -> Dataset:
        """The same with features of mean 0 and variance 1 over x_train; a constant one is 0."""
        mean = self.x_train.mean(axis=0, dtype=np.float64)
        deviation = self.x_train.std(axis=0, dtype=np.float64)
        scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)

        def apply(x: Array) -> Array:
            result: Array = ((x - mean) * scale).astype(np.float32)
            return result

        return replace(self, x_train=apply(self.x_train), x_test=apply(self.x_test))


def load(name: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """The data set of a name or in a file.

    Parameters
    ----------
    name : str or path
        "digits", "fashion-mnist", or a path that ends in .npz or .csv; the features of a file are
        standardized.
    data_dir : path, optional
        Where the files of fashion-mnist are.

    Raises
    ------
    DataError
        If it is none of these, or cannot be read.
    """
    name = os.fspath(name)
    if name == "fashion-mnist":
        return load_fashion_mnist(FASHION_MNIST if data_dir is None else data_dir)
    if data_dir is not None:
        raise DataError(f"data_dir is {os.fspath(data_dir)!r}; expected with fashion-mnist only")
    if name == "digits":
        return load_digits()
    if name.lower().endswith(".npz"):
        return load_npz(name).standardized()
    if name.lower().endswith(".csv"):
        return load_csv(name).standardized()
    raise DataError(
        f"dataset is {name!r}; expected digits, fashion-mnist or a path that ends in .npz or .csv"
    )


def load_digits(seed: int = 0) -> Dataset:
    """1,797 handwritten digits of 8 x 8 pixels, in [0, 1]; every fifth, by lot, is for the test.

    Parameters
    ----------
    seed : int, default 0
        Of the lot.

    Raises
    ------
    DataError
        If scikit-learn, which holds them, is not installed.

    References
    ----------
    Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository,
    1998.

    Examples
    --------
    >>> from ranvier import data
    >>> digits = data.load_digits()
    >>> digits.x_train.shape, digits.x_test.shape, digits.classes
    ((1437, 64), (360, 64), 10)
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise DataError(
            "the digits are a part of scikit-learn, which is not installed; "
            "pip install 'ranvier[cli]'"
        ) from None
    X, y = datasets.load_digits(return_X_y=True)
    return _split("digits", (X / 16).astype(np.float32), y.astype(np.int64), seed)


def load_fashion_mnist(data_dir: str | os.PathLike[str] = FASHION_MNIST) -> Dataset:
    """70,000 images of clothes of 28 x 28 pixels, in [0, 1]; 10,000 are for the test.

    Parameters
    ----------
    data_dir : path
        The folder of the four gzip files in IDX format, as published; by default that of Debian's
        package dataset-fashion-mnist.

    Raises
    ------
    DataError
        If a file is missing or damaged.

    References
    ----------
    Xiao, Rasul and Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning
    algorithms, arXiv 1708.07747 (2017).
    """
    folder = Path(data_dir)
    if not os.path.isdir(folder):
        raise DataError(
            f"{folder}: no such folder; install Debian's package dataset-fashion-mnist, or say "
            "where its files are with data_dir"
        )
    arrays: list[Array] = []
    for part in ("train", "t10k"):
        images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", axes=3)
        labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", axes=1)
        if len(images) != len(labels) or len(images) == 0:
            raise DataError(f"{folder}: {len(images)} images and {len(labels)} labels in {part}")
        if labels.max() > 9:
            raise DataError(f"{folder}: a label in {part} is {labels.max()}; expected at most 9")
        pixels = images.reshape(len(images), -1)
        arrays += [np.divide(pixels, 255, dtype=np.float32), labels.astype(np.int64)]
    x_train, y_train, x_test, y_test = arrays
    if x_train.shape[1] != x_test.shape[1]:
        raise DataError(f"{folder}: the images of train and t10k differ in size")
    return Dataset("fashion-mnist", x_train, y_train, x_test, y_test, classes=10)


def load_npz(path: str | os.PathLike[str], seed: int = 0) -> Dataset:
    """Arrays from a file of numpy.savez.

    Parameters
    ----------
    path : path
        With "x_train", "y_train", "x_test" and "y_test"; or with "X" and "y", of which a fifth of
        the samples, by lot, is for the test. Integers in y are classes. Nothing is unpickled.
    seed : int, default 0
        Of the lot.

    Raises
    ------
    DataError
        If the file is missing, damaged or does not hold these.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from ranvier import data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.npz")
    ...     np.savez(path, X=np.eye(10), y=np.arange(10) % 2)
    ...     data.load_npz(path).x_train.shape
    (8, 10)
    """
    path = Path(path)
    with _reading(path), path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise DataError(f"{path}: expected an archive of numpy.savez, not one array")
        for names in (("x_train", "y_train", "x_test", "y_test"), ("X", "y")):
            if set(names) <= set(archive.files):
                break
        else:
            raise DataError(
                f"{path}: holds {', '.join(archive.files) or 'nothing'}; expected X and y, or "
                "x_train, y_train, x_test and y_test"
            )
        arrays = {name: archive[name] for name in names}
    for name, array in arrays.items():
        # A member that is not in the format of numpy.save comes as its bytes.
        if not isinstance(array, np.ndarray):
            raise DataError(f"{path}: {name} is not an array of numpy.save")
    features = [_features(arrays[name], f"{path}: {name}") for name in names[::2]]
    targets = [_target(arrays[name], f"{path}: {name}") for name in names[1::2]]
    for x, y, name in zip(features, targets, names[::2], strict=True):
        if len(x) != len(y) or len(x) == 0:
            raise DataError(f"{path}: {name} has {len(x)} samples and {len(y)} targets")
    if len(features) == 1:
        return _split(path.name, features[0], targets[0], seed)
    if features[0].shape[1] != features[1].shape[1]:
        raise DataError(f"{path}: x_train and x_test differ in the number of features")
    if targets[0].dtype != targets[1].dtype:
        raise DataError(
            f"{path}: y_train and y_test have dtypes {targets[0].dtype} and "
            f"{targets[1].dtype}; expected classes or numbers in both"
        )
    return _with_classes(path.name, features[0], targets[0], features[1], targets[1])


def load_csv(path: str | os.PathLike[str], seed: int = 0) -> Dataset:
    """A table of numbers separated by commas: a sample in a line, its target in the last column.

    Parameters
    ----------
    path : path
        In UTF-8. A first line without a number is a header. The target is a class if it is not a
        number, or if all are whole numbers and at most 100 of them differ. A fifth of the samples,
        by lot, is for the test.
    seed : int, default 0
        Of the lot.

    Raises
    ------
    DataError
        If the file is missing, or is not such a table.

    Examples
    --------
    >>> import os, tempfile
    >>> from ranvier import data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("length,width,kind\\n" + "1,2,cat\\n3,4,dog\\n" * 5)
    ...     data.load_csv(path).classes
    2
    """
    path = Path(path)
    with _reading(path), path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        lines = [(reader.line_num, cells) for cells in reader if cells]
    if lines and not any(map(_is_number, lines[0][1])):
        del lines[0]
    if not lines:
        raise DataError(f"{path}: no samples")
    columns = len(lines[0][1])
    if columns < 2:
        raise DataError(
            f"{path}: {columns} column; expected features and a target, with commas between them"
        )
    features = np.empty((len(lines), columns - 1), np.float64)
    for row, (number, cells) in zip(features, lines, strict=True):
        if len(cells) != columns:
            raise DataError(f"{path}: line {number} has {len(cells)} columns; expected {columns}")
        try:
            row[:] = cells[:-1]
        except ValueError:
            wrong = next(cell for cell in cells[:-1] if not _is_number(cell))
            raise DataError(f"{path}: line {number} has {wrong!r}; expected a number") from None
    targets = [cells[-1].strip() for _, cells in lines]
    y: Array = np.array(targets)
    if all(map(_is_number, targets)):
        numbers = y.astype(np.float64)
        whole = np.isfinite(numbers).all() and bool(np.all(numbers == np.rint(numbers)))
        few = len(np.unique(numbers)) <= _MOST_CLASSES
        if whole and few and np.abs(numbers).max() >= _TOO_LARGE_A_CLASS:
            raise DataError(
                f"{path}: a target is 2**53 or beyond; expected classes that float64 tells apart"
            )
        y = numbers.astype(np.int64) if whole and few else numbers
    where = f"{path}: the table of features"
    return _split(path.name, _features(features, where), _target(y, f"{path}: the target"), seed)


def _read_idx(path: Path, axes: int) -> Array:
    """An array of bytes in the format of the MNIST files: its shape, big-endian, then its items."""
    with _reading(path), gzip.open(path) as file:
        content = file.read()
    header = 4 + 4 * axes
    if content[:4] != bytes([0, 0, 8, axes]) or len(content) < header:
        raise DataError(f"{path}: expected an IDX file of bytes with {axes} axes")
    shape = tuple(np.frombuffer(content, ">u4", axes, 4).tolist())
    if len(content) - header != math.prod(shape):
        raise DataError(
            f"{path}: {len(content) - header} bytes of data; expected {math.prod(shape)}, for the "
            f"shape {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _features(x: Array, where: str) -> Array:
    if x.dtype.kind not in "biuf" or x.ndim < 2:
        raise DataError(
            f"{where} has dtype {x.dtype} and shape {x.shape}; expected real numbers in at "
            "least 2 axes"
        )
    features = math.prod(x.shape[1:])
    if features == 0:
        raise DataError(f"{where} has shape {x.shape}; expected at least one feature")
    with np.errstate(over="ignore"):
        x = x.reshape(len(x), features).astype(np.float32)
    if not np.isfinite(x).all():
        raise DataError(f"{where} has a value that is not a finite float32")
    return x


def _target(y: Array, where: str) -> Array:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind not in "biufU" or y.ndim != 1:
        raise DataError(
            f"{where} has dtype {y.dtype} and shape {y.shape}; expected one number or name for "
            "each sample"
        )
    if y.dtype.kind != "f":
        return y
    with np.errstate(over="ignore"):
        y = y.astype(np.float32)
    if not np.isfinite(y).all():
        raise DataError(f"{where} has a value that is not a finite float32")
    return y


def _split(name: str, x: Array, y: Array, seed: int) -> Dataset:
    order = np.random.default_rng(seed).permutation(len(x))
    train = len(x) - math.ceil(_TEST_SHARE * len(x))
    if train == 0:
        raise DataError(f"{name}: {len(x)} samples; expected at least 2")
    first, last = order[:train], order[train:]
    return _with_classes(name, x[first], y[first], x[last], y[last])


def _with_classes(
    name: str, x_train: Array, y_train: Array, x_test: Array, y_test: Array
) -> Dataset:
    """The data set with classes, whatever they are called, as 0, 1, ..."""
    classes = None
    if y_train.dtype.kind != "f":
        names, numbers = np.unique(np.concatenate([y_train, y_test]), return_inverse=True)
        numbers = numbers.reshape(-1).astype(np.int64)
        y_train, y_test = numbers[: len(y_train)], numbers[len(y_train) :]
        classes = len(names)
    return Dataset(name, x_train, y_train, x_test, y_test, classes)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What a file makes its reader raise is a DataError: a damaged one can raise anything."""
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: no such file")
    if isinstance(error, OSError) and error.strerror:
        return DataError(f"{path}: {error.strerror}")
    reason = " ".join(str(error).split()) or type(error).__name__
    return DataError(f"{path}: cannot be read: {reason}")
