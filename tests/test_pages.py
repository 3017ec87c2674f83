"""The pages of the activations, with measurements and notes that the checkout may not have yet."""

from __future__ import annotations

import importlib.util
import json

import pytest

import ranvier as rv


@pytest.fixture
def pages(checkout, monkeypatch, tmp_path):
    """tools/pages.py, which takes its measurements from an empty folder."""
    spec = importlib.util.spec_from_file_location("pages", checkout / "tools/pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "MEASUREMENTS", tmp_path)
    return module


def record(name):
    return next(r for r in rv.registry() if r.name == name)


def test_without_measurements(pages):
    text = pages.page(record("gelu"))
    assert "## Accuracy" in text and "measured" not in text and "## Speed" not in text


def test_largest_errors(pages, tmp_path):
    row = {
        "who": "ranvier", "function": "gelu", "form": "value", "dtype": "float32", "isa": "avx2",
        "inputs": 2**32, "parameters": None, "ulp": 0.53991, "at": -10.7714653,
    }  # fmt: skip
    peer = {**row, "who": "torch 2.13.0", "isa": None, "inputs": "all", "ulp": 1.7e7}
    slope = {**row, "form": "derivative", "parameters": {"alpha": 0.5}}
    other = {**row, "function": "relu", "who": "another"}
    (tmp_path / "accuracy.json").write_text(json.dumps([slope, row, peer, other]))
    lines = pages.page(record("gelu")).splitlines()
    ours = "| ranvier | float32 | avx2 | value | 4,294,967,296 |  | 0.5399 | -10.7714653 |"
    derived = ours.replace("value", "derivative").replace("|  |", "| alpha = 0.5 |")
    theirs = "| torch 2.13.0 | float32 |  | value | all |  | 1.7e+07 | -10.7714653 |"
    assert lines.index(ours) + 2 == lines.index(theirs) + 1 == lines.index(derived)
    assert not any("another" in line for line in lines)


def test_times(pages, tmp_path):
    def row(name, size, ratio, **microseconds):
        return {"name": name, "size": size, "microseconds": microseconds, "ratio": ratio}

    rows = [
        row("gelu", "16", 22.8, ranvier=0.475, torch=14.7, jax=10.83),
        row("gelu vjp", "16", 64.72, ranvier=0.571, torch=37.0),
        row("gelu", "1,000", None, ranvier=1.76),
        row("gelu_tanh", "16", 99.0, ranvier=1.0),
    ]
    report = {"machine": {"processor": "EPYC"}, "results": {"activations": rows}}
    (tmp_path / "speed.json").write_text(json.dumps(report))
    text = pages.page(record("gelu"))
    table = [line for line in text.split("## Speed")[1].splitlines() if line.startswith("|")]
    assert table == [
        "|  | elements | ranvier | torch | jax | fastest peer / ranvier |",
        "|---|---|---|---|---|---|",
        "| value | 16 | 0.475 | 14.7 | 10.8 | 22.80 |",
        "| value | 1,000 | 1.76 |  |  |  |",
        "| vector-Jacobian product | 16 | 0.571 | 37 |  | 64.72 |",
    ]
    assert "processor EPYC" in text


@pytest.mark.parametrize("name", [r.name for r in rv.registry() if r.parameters])
def test_every_parameter_is_explained(pages, name):
    about = pages.page(record(name)).partition("## Parameters\n")[2].partition("##")[0]
    for parameter, meaning in record(name).meanings.items():
        assert meaning
        assert f"`{parameter}`" in about
        assert meaning.replace("|", "\\|") in about
