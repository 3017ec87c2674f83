"""ranvier gallery: the files, the curves in them, and what it says when it cannot draw."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import ranvier as rv
from ranvier import cli
from ranvier._curves import curves, defaults, family, half_width
from reference import EXACT, REFERENCES

ROWS = {record.name: record for record in rv.registry()}
# The plots take as long as all the rest: one process makes them.
pytestmark = pytest.mark.xdist_group("gallery")
SVG = "{http://www.w3.org/2000/svg}"


def gallery(capsys, folder, *options):
    """The paths that the command reports."""
    assert cli.main(["gallery", "--out", str(folder), "--json", *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    *text, last = out.splitlines()
    report = json.loads(last)
    assert text == [f"{len(report['files'])} plots in {folder}"]
    return report


@pytest.fixture(scope="module")
def plots(tmp_path_factory):
    """Text of each file of one run, by name."""
    folder = tmp_path_factory.mktemp("gallery") / "made" / "for it"
    assert cli.main(["gallery", "--out", str(folder)]) == 0
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.fixture
def only_two(monkeypatch):
    """A registry of two rows, where what is drawn does not matter."""
    pytest.importorskip("matplotlib")
    from ranvier import gallery

    monkeypatch.setattr(gallery, "registry", lambda: [ROWS["relu"], ROWS["elu"]])


def strokes(svg, width):
    """How many lines of this width a plot has, of two points or more."""
    paths = ElementTree.fromstring(svg).iter(f"{SVG}path")
    return sum(
        f"stroke-width: {width};" in path.get("style", "") + ";" and " L " in path.get("d")
        for path in paths
    )


def test_a_plot_for_each_activation(plots):
    assert plots.keys() == {f"{name}.svg" for name in [*ROWS, "overview"]}


@pytest.mark.parametrize("name", ROWS)
def test_svg(plots, name):
    svg = plots[f"{name}.svg"]
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert name in texts
    assert any(text.startswith("f(x) = ") for text in texts)
    for parameter in ROWS[name].parameters:
        assert sum(text.startswith(f"{parameter} = ") for text in texts) >= 3
    # Two panels a row; the legend has one line more for each value of the parameter.
    families = [len(family(ROWS[name], parameter)) for parameter in ROWS[name].parameters]
    assert strokes(svg, 2.2) == (3 * len(families) or 2)
    assert strokes(svg, 1.1) == 3 * sum(families)
    assert len(svg) < 20_000 * max(2, len(ROWS[name].parameters))
    assert "<dc:date>" not in svg and "Matplotlib" not in svg


def test_overview(plots):
    texts = [e.text for e in ElementTree.fromstring(plots["overview.svg"]).iter(f"{SVG}text")]
    assert set(ROWS) <= set(texts)
    for width in (1.1, 1.6):
        assert strokes(plots["overview.svg"], width) == len(ROWS) + 1, "one in the legend"


@pytest.mark.usefixtures("only_two")
def test_the_same_drawing_is_the_same_file(capsys, tmp_path, plots):
    report = gallery(capsys, tmp_path)
    assert report["format"] == "svg"
    paths = [tmp_path / f"{name}.svg" for name in ("relu", "elu", "overview")]
    assert report["files"] == [str(path) for path in paths]
    for path in paths[:2]:
        assert path.read_text() == plots[path.name]


@pytest.mark.usefixtures("only_two")
def test_png(capsys, tmp_path):
    report = gallery(capsys, tmp_path, "--format", "png")
    assert report["format"] == "png" and len(report["files"]) == 3
    for name in ("relu", "elu", "overview"):
        content = (tmp_path / f"{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) > 5_000


def test_without_matplotlib(capsys, monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "ranvier.gallery", raising=False)
    monkeypatch.delattr(rv, "gallery", raising=False)
    for name in [*sys.modules, "matplotlib"]:
        if name.partition(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    assert cli.main(["gallery", "--out", str(tmp_path / "gallery")]) == 2
    assert capsys.readouterr() == (
        "",
        "ranvier: error: gallery needs matplotlib, which is not installed; "
        "pip install 'ranvier[plot]'\n",
    )
    assert not (tmp_path / "gallery").exists()


def test_other_missing_modules_are_not_hidden(monkeypatch):
    monkeypatch.delitem(sys.modules, "ranvier.gallery", raising=False)
    monkeypatch.delattr(rv, "gallery", raising=False)
    monkeypatch.setitem(sys.modules, "ranvier._curves", None)
    with pytest.raises(ModuleNotFoundError, match="_curves"):
        cli.main(["gallery"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "pdf"], "--format: invalid choice: 'pdf'"),
        (["--out", "file"], "file: File exists"),
        (["--out", "file/below"], "file/below: Not a directory"),
        (["--out", "taken"], "taken/relu.svg: Is a directory"),
    ],
)
def test_errors_are_one_line(capsys, monkeypatch, tmp_path, arguments, message):
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "relu.svg").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gallery", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("ranvier: error: ") and err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize("name", ROWS)
def test_curves(name):
    """Every family, at every point, is what the reference says."""
    record = ROWS[name]
    a = half_width(record)
    assert 3 <= a <= 8
    members = [v for parameter in record.parameters for v in family(record, parameter)]
    for parameters in [defaults(record), *members]:
        arguments = [EXACT.number(value) for value in parameters.values()]
        for curve, reference in zip(
            curves(record, parameters, a),
            (REFERENCES[name].value, REFERENCES[name].derivative),
            strict=True,
        ):
            drawn = ~np.isnan(curve.x)
            x, y = curve.x[drawn], curve.y[drawn]
            assert (x[0], x[-1]) == (-a, a) and np.all(np.diff(x) > 0)
            some = np.linspace(0, len(x) - 1, 25).astype(int)
            expected = [float(reference(EXACT, EXACT.number(t), *arguments)) for t in x[some]]
            np.testing.assert_allclose(y[some], expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", ROWS)
def test_no_line_bridges_a_jump(name):
    """Between two points of the grid a curve goes a small part of its height at most."""
    record = ROWS[name]
    for curve in curves(record, defaults(record), half_width(record)):
        steepest = np.nanmax(abs(np.diff(curve.y)))
        assert steepest <= 0.15 * (np.nanmax(curve.y) - np.nanmin(curve.y))
        assert np.isnan(curve.y).sum() == len(curve.jumps)


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("relu", 0, []),
        ("relu", 1, [((0, 0), (0, 1))]),
        ("selu", 1, [((0, 1.7580993408473769), (0, 1.0507009873554805))]),
        ("hardtanh", 1, [((-1, 0), (-1, 1)), ((1, 0), (1, 1))]),
        ("hardshrink", 0, [((-0.5, 0), (-0.5, -0.5)), ((0.5, 0), (0.5, 0.5))]),
        ("threshold", 1, [((0.25, 0), (0.25, 1))]),
        ("gelu", 0, []),
        ("gelu", 1, []),
        ("softsign", 1, []),
        ("sparse_plus", 1, []),
        ("elu", 1, []),
    ],
)
def test_jumps(name, form, expected):
    """Where they are, which value the function takes there, and which it only comes near to."""
    curve = curves(ROWS[name], defaults(ROWS[name]), 3)[form]
    np.testing.assert_allclose(
        np.reshape(curve.jumps, (-1, 4)), np.reshape(expected, (-1, 4)), rtol=1e-12, atol=1e-12
    )
    for (x, y), _ in curve.jumps:
        assert x == round(x, 2)
        assert y == (rv.activations, rv.derivative)[form].__dict__[name](x, **defaults(ROWS[name]))
