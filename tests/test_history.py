"""The history of a run, and the plot of its learning curves."""

from __future__ import annotations

import math
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from ranvier import History

NAN = math.nan
CURVES = {
    "loss": [2.0, 1.0, 0.5],
    "accuracy": [0.1, 0.5, 0.75],
    "seconds": [1.0, 1.0, 1.0],
    "val_loss": [2.5, NAN, 1.0],
    "lr": [0.1, 0.1, 0.01],
}


def test_every_list_has_an_entry_for_each_epoch():
    history = History()
    assert history.epochs == 0
    for logs in (
        {"loss": 2.0},
        {"loss": 1.0, "lr": 0.1},
        {"lr": 0.2, "loss": 0.5, "x": 1},
        {"x": 2},
    ):
        history.append(logs)
    assert history.epochs == 4
    assert repr(dict(history)) == repr(
        {"loss": [2.0, 1.0, 0.5, NAN], "lr": [NAN, 0.1, 0.2, NAN], "x": [NAN, NAN, 1, 2]}
    )


def test_the_panels_hold_the_curves():
    panels = History(CURVES).plot().axes
    drawn = {
        axes.get_title(loc="left"): {
            line.get_label(): np.transpose(line.get_xydata()).tolist() for line in axes.lines
        }
        for axes in panels
    }
    expected = {
        "loss": {"training": "loss", "validation": "val_loss"},
        "accuracy": {"training": "accuracy"},
        "lr": {"training": "lr"},
    }
    assert repr(drawn) == repr(
        {
            title: {label: [[1.0, 2.0, 3.0], CURVES[key]] for label, key in lines.items()}
            for title, lines in expected.items()
        }
    )
    assert [axes.get_legend() is not None for axes in panels] == [True, False, False]


@pytest.mark.parametrize("epochs", [1, 2, 7, 1000])
def test_epochs_are_whole_numbers(epochs):
    figure = History(loss=list(np.linspace(2, 1, epochs))).plot()
    figure.canvas.draw()
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert 1 <= len(shown) <= 8 and all(float(tick).is_integer() for tick in shown)


def test_many_quantities_take_several_lines():
    figure = History({name: [1.0] for name in "abcdefg"}).plot()
    assert len(figure.axes) == 7
    rows = {axes.get_subplotspec().rowspan.start for axes in figure.axes}
    assert rows == {0, 1, 2}


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_file(tmp_path, suffix):
    path = tmp_path / f"curves.{suffix}"
    History(CURVES).plot(path, title="a <run>")
    data = path.read_bytes()
    assert data.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix])
    if suffix == "svg":
        text = " ".join(ElementTree.fromstring(data).itertext())
        assert all(word in text for word in ("a <run>", "loss", "validation", "epoch"))
        History(CURVES).plot(path, title="a <run>")
        assert path.read_bytes() == data


def test_what_cannot_be_drawn(tmp_path, monkeypatch):
    for empty in (History(), History(seconds=[1.0])):
        with pytest.raises(ValueError, match="the history is empty; expected at least one epoch"):
            empty.plot()
    with pytest.raises(ValueError, match="docx"):
        History(CURVES).plot(tmp_path / "curves.docx")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"plot needs matplotlib, .* 'ranvier\[plot\]'"):
        History(CURVES).plot()


def test_the_global_style_is_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    History(CURVES).plot()
    assert dict(matplotlib.rcParams) == before
