"""The command line: what it prints, and with which exit code."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import ranvier as rv
from ranvier import cli, nn
from ranvier.bench import peers
from ranvier.trainer import Trainer

KEYS = {
    "dataset": str,
    "train_samples": int,
    "test_samples": int,
    "layers": list,
    "activation": str,
    "parameters": int,
    "loss": str,
    "optimizer": str,
    "lr": float,
    "batch_size": int,
    "seed": int,
    "epochs": int,
    "seconds_per_epoch": list,
    "train_loss": float,
    "test_loss": float,
    "test_accuracy": float,
}


def run(*arguments, **options):
    """In a process of its own, as a user does."""
    command = [sys.executable, "-m", "ranvier", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def report(capsys, *arguments):
    """The JSON of a training run in this process."""
    assert cli.main(["train", "--json", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out.splitlines()[-1])


@pytest.fixture
def table(tmp_path):
    """Three classes of points; a line of the .csv is a sample."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    X = rng.normal(0, 0.3, (150, 2)) + np.c_[y, y % 2] * [100, 1]
    path = tmp_path / "points.csv"
    path.write_text("".join(f"{a},{b},class {c}\n" for (a, b), c in zip(X, y, strict=True)))
    np.savez(tmp_path / "points.npz", X=X, y=y)
    np.savez(tmp_path / "numbers.npz", X=X, y=y * 0.5)
    return path


def test_train_on_the_digits():
    process = run("train", "--json")
    assert (process.returncode, process.stderr) == (0, "")
    result = json.loads(process.stdout.splitlines()[-1])
    assert {key: type(value) for key, value in result.items()} == KEYS
    assert result["test_accuracy"] >= 0.97
    assert result["dataset"] == "digits" and result["layers"] == [64, 256, 128, 10]
    assert result["parameters"] == 64 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert len(result["seconds_per_epoch"]) == result["epochs"] == 20
    assert all(seconds > 0 for seconds in result["seconds_per_epoch"])
    accuracy = f"{result['test_accuracy']:.4f}"
    assert any("accuracy" in line and accuracy in line for line in process.stdout.splitlines()[:-1])


def test_options(capsys):
    result = report(
        capsys, "--hidden", "20,10", "--activation", "gelu", "--optimizer", "sgd", "--lr", "0.5",
        "--epochs", "3", "--batch-size", "100", "--seed", "7", "--quiet",
    )  # fmt: skip
    assert result["layers"] == [64, 20, 10, 10]
    expected = {
        "activation": "gelu", "optimizer": "sgd", "lr": 0.5,
        "epochs": 3, "batch_size": 100, "seed": 7,
    }  # fmt: skip
    assert {key: result[key] for key in expected} == expected


def test_quiet_json_is_one_line(capsys):
    assert cli.main(["train", "--quiet", "--json", "--epochs", "1", "--hidden", ""]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == ""
    assert json.loads(out)["layers"] == [64, 10]
    assert cli.main(["train", "--quiet", "--epochs", "1"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_seed_fixes_the_result(capsys):
    first, again, other = (
        report(capsys, "--epochs", "2", "--hidden", "30", "--seed", seed) for seed in "112"
    )
    for result in (first, again, other):
        del result["seconds_per_epoch"], result["seed"]
    assert first == again
    assert first["test_loss"] != other["test_loss"]


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_train_on_a_file(capsys, table, suffix):
    path = table.with_suffix(f".{suffix}")
    result = report(capsys, "--dataset", str(path), "--hidden", "16", "--lr", "0.01")
    assert result["dataset"] == path.name
    assert (result["train_samples"], result["test_samples"]) == (120, 30)
    assert result["layers"] == [2, 16, 3]
    assert result["test_accuracy"] > 0.95


@pytest.mark.parametrize("loss", [None, "huber_loss"])
@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_train_on_numbers(capsys, tmp_path, suffix, loss):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3))
    y = 1000 + 100 * X[:, 0] * X[:, 1]
    path = tmp_path / f"numbers.{suffix}"
    if suffix == "csv":
        np.savetxt(path, np.c_[X, y], delimiter=",", header="a,b,c,product", comments="")
    else:
        np.savez(path, X=X, y=y)
    given = () if loss is None else ("--loss", loss)
    options = ("--epochs", "60", "--batch-size", "32", "--hidden", "32,32", "--lr", "0.01")
    plot = tmp_path / "curves.svg"
    result = report(capsys, "--dataset", str(path), *options, *given, "--plot", str(plot))
    assert result["layers"] == [3, 32, 32, 1] and result["loss"] == (loss or "mse_loss")
    assert "test_accuracy" not in result
    assert result["test_r2"] > 0.9 and result["test_loss"] < 0.1
    assert plot.is_file()


@pytest.mark.parametrize("loss", ["multi_margin_loss", "multiclass_hinge_loss"])
def test_other_losses_of_classes(capsys, loss):
    result = report(capsys, "--loss", loss, "--epochs", "5", "--batch-size", "32")
    assert result["loss"] == loss and result["test_accuracy"] > 0.9


@pytest.mark.parametrize(
    "optimizer", [rule.__name__ for rule in rv.optim.Optimizer.__subclasses__()]
)
def test_every_optimizer(capsys, optimizer):
    name = optimizer.lower()
    result = report(capsys, "--optimizer", name, "--epochs", "1", "--batch-size", "300")
    default = inspect.signature(getattr(rv.optim, optimizer)).parameters["lr"].default
    assert result["optimizer"] == name
    assert result["lr"] == (0.1 if name == "sgd" else default)


SMALL = ("--hidden", "8", "--batch-size", "300")


def test_a_resumed_run_is_as_one_that_was_not_stopped(capsys, tmp_path):
    whole = report(capsys, "--epochs", "5", *SMALL)
    folder = tmp_path / "{new}/run"  # braces are part of the name
    resuming = ("--save", str(folder), "--resume", *SMALL)
    report(capsys, "--epochs", "2", *resuming)
    (folder / "model.safetensors").unlink()
    resumed = report(capsys, "--epochs", "5", *resuming)
    assert sorted(os.listdir(folder)) == ["checkpoint.safetensors", "model.safetensors"]
    again = report(capsys, "--epochs", "5", *resuming)
    assert again["seconds_per_epoch"] == resumed["seconds_per_epoch"]
    assert len(resumed["seconds_per_epoch"]) == 5
    for result in (whole, resumed, again):
        del result["seconds_per_epoch"]
    assert whole == resumed == again
    # Without --resume it begins anew.
    assert report(capsys, "--epochs", "1", "--save", str(folder), *SMALL)["epochs"] == 1

    net = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    rv.load(net, folder / "model.safetensors")
    same = net.flat_parameters.copy()
    rv.load(net, folder / "checkpoint.safetensors")
    np.testing.assert_array_equal(net.flat_parameters, same)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--hidden", "9"), "layers is [64, 9, 10]; expected [64, 8, 10], as before"),
        (("--activation", "gelu"), "activation is 'gelu'; expected 'relu', as before"),
        (("--lr", "0.5"), "lr is 0.5; expected 0.001, as before"),
        (("--optimizer", "sgd"), "optimizer is 'sgd'; expected 'adam', as before"),
        (("--batch-size", "7"), "batch_size is 7; expected 300, as before"),
        (("--seed", "1"), "seed is 1; expected 0, as before"),
    ],
)
def test_only_the_same_run_is_resumed(capsys, tmp_path, option, message):
    arguments = ["train", "--save", str(tmp_path), "--resume", "--epochs", "1", "--quiet", *SMALL]
    assert cli.main(arguments) == 0
    assert cli.main([*arguments, *option]) == 2
    path = tmp_path / "checkpoint.safetensors"
    assert capsys.readouterr() == ("", f"ranvier: error: {path}: {message}\n")


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_plot(capsys, tmp_path, suffix):
    path = tmp_path / f"curves.{suffix}"
    plain = report(capsys, "--epochs", "2", *SMALL)
    drawn = report(capsys, "--epochs", "2", *SMALL, "--plot", str(path))
    assert path.stat().st_size > 5000
    if suffix == "svg":
        assert all(word in path.read_text() for word in ("digits", "accuracy", "validation"))
    for result in (plain, drawn):
        del result["seconds_per_epoch"]
    assert plain == drawn


@pytest.mark.parametrize(
    ("package", "option", "extra"),
    [("safetensors", ("--save", "runs"), "io"), ("matplotlib", ("--plot", "a.png"), "plot")],
)
def test_without_what_an_option_needs(capsys, monkeypatch, tmp_path, package, option, extra):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(["train", *option]) == 2
    assert capsys.readouterr() == (
        "",
        f"ranvier: error: {option[0]} needs {package}, which is not installed; "
        f"pip install 'ranvier[{extra}]'\n",
    )
    assert not os.listdir(tmp_path)


def test_a_diverging_run_still_gives_json(capsys):
    result = report(capsys, "--optimizer", "sgd", "--lr", "1e30", "--epochs", "2")
    assert result["train_loss"] is None and result["test_loss"] is None


def test_without_rich(capsys, monkeypatch):
    for name in ("rich", "rich.console", "rich.table"):
        monkeypatch.setitem(sys.modules, name, None)
    assert cli.main(["train", "--epochs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "test accuracy" in out and err == ""


def test_info(capsys):
    assert cli.main(["info"]) == 0
    out = capsys.readouterr().out
    rv.show_config()
    assert out == capsys.readouterr().out
    assert rv.__version__ in out


FEW = ("--only", "reductions", "--seconds", "1e-6")


@pytest.fixture
def only_scipy(monkeypatch):
    """Of the peers, the one that the tests bring."""
    for name in ("torch", "jax", "scikit-learn"):
        monkeypatch.setitem(peers.MODULES, name, "not_there")


def test_bench_without_peers(capsys, monkeypatch):
    for name in peers.MODULES:
        monkeypatch.setitem(peers.MODULES, name, "not_there")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["bench", *FEW, "--only", "training", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for name in ("torch", "jax", "scipy", "scikit-learn"):
        assert out.count(f"\n{name} is left out: not installed\n") == 1
    assert "the times are ranvier's own" in out and "digits are a part of scikit-learn" in out
    report = json.loads(out.splitlines()[-1])
    assert report["results"]["training"] == []
    rows = report["results"]["reductions"]
    assert len(rows) == 8 and {"softmax", "cross_entropy and gradient"} < {r["name"] for r in rows}
    assert all(r["ratio"] is None and [*r["microseconds"]] == ["ranvier"] for r in rows)
    assert "torch" not in report["machine"] and len(report["remarks"]) == 6


def test_bench_beside_a_peer(capsys, only_scipy):
    assert cli.main(["bench", *FEW, "--json", "--threads", "1"]) == 0
    *shown, last = capsys.readouterr().out.splitlines()
    report = json.loads(last)
    assert report["machine"]["threads"] == "1" and "scipy" in report["machine"]
    (row,) = (
        row
        for row in report["results"]["reductions"]
        if row["name"] == "softmax" and row["size"] == "128 x 10"
    )
    times = row["microseconds"]
    assert row["ratio"] == pytest.approx(times["scipy"] / times["ranvier"], rel=1e-2)
    assert any("ratio: time of the fastest peer over ranvier's" in line for line in shown)
    assert any("softmax" in line and f"{row['ratio']:.2f}" in line for line in shown)


def test_bench_of_results_that_differ(capsys, monkeypatch, only_scipy):
    monkeypatch.setattr("scipy.special.softmax", lambda x, axis: np.ones_like(x))
    assert cli.main(["bench", *FEW, "--quiet", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("ranvier: error: reductions: softmax (scipy) is 1 where ranvier's is 0.")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["bench", "--help"], ["--version"]]
)
def test_help_is_no_error(capsys, arguments):
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert out and not err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["trian"], "invalid choice: 'trian'"),
        (["info", "more"], "unrecognized arguments: more"),
        (["train", "--epoch-s", "1"], "unrecognized arguments: --epoch-s"),
        (["train", "--epochs", "0"], "--epochs: '0'; expected a positive integer"),
        (["train", "--epochs", "many"], "--epochs: 'many'; expected a positive integer"),
        (["train", "--epochs", "9" * 5000], "expected a positive integer"),
        (["train", "--epochs"], "--epochs: expected one argument"),
        (["train", "--batch-size", "-1"], "--batch-size: '-1'"),
        (["train", "--seed", "-1"], "--seed: '-1'; expected an integer that is not negative"),
        (["train", "--lr", "0"], "--lr: '0'; expected a positive, finite number"),
        (["train", "--lr", "nan"], "--lr: 'nan'"),
        (["train", "--lr", "inf"], "--lr: 'inf'"),
        (["train", "--lr", "fast"], "--lr: 'fast'"),
        (["train", "--hidden", "10,,3"], "--hidden: ''; expected a positive integer"),
        (["train", "--hidden", "10,0"], "--hidden: '0'"),
        pytest.param(["train", "--hidden", "2000000000,2000000000"], "not enough memory",
                     id="not enough memory"),
        (["train", "--activation", "step"], "--activation: invalid choice: 'step'"),
        (["train", "--optimizer", "magic"], "--optimizer: invalid choice: 'magic'"),
        (["train", "--loss", "anger"], "--loss: invalid choice: 'anger'"),
        (["train", "--loss", "mse_loss"], "--loss is 'mse_loss'; expected cross_entropy, multi"),
        (["train", "--dataset", "mnist"], "dataset is 'mnist'; expected digits"),
        (["train", "--dataset", "nowhere.npz"], "nowhere.npz: no such file"),
        (["train", "--dataset", "nowhere.csv"], "nowhere.csv: no such file"),
        (["train", "--dataset", "\n\r\x1b[1m\u2028\udcff.csv"], r"\n\r\x1b[1m\u2028\udcff.csv: no"),
        (["train", "--dataset", "a" * 5000 + ".npz"], "File name too long"),
        (["train", "--dataset", "corrupt.npz"], "corrupt.npz: cannot be read"),
        (["train", "--dataset", "corrupt.csv"], "corrupt.csv: line 2 has 1 columns; expected 3"),
        (["train", "--dataset", "numbers.npz", "--loss", "cross_entropy"],
         "--loss is 'cross_entropy'; expected mse_loss, l1_loss, smooth_l1_loss, huber_loss, "
         "lq_loss, log_cosh_loss, quantile_loss, as the target of numbers.npz is a number"),
        (["train", "--dataset", "same.csv"], "same.csv: the target is the same for all samples"),
        (["train", "--dataset", "same.npz"], "same.npz: the target is 1.5 for all samples"),
        (["train", "--dataset", "semicolons.csv"], "expected features and a target, with commas"),
        (["train", "--dataset", "fashion-mnist", "--data-dir", "gone"], "gone: no such folder"),
        (["train", "--dataset", "fashion-mnist", "--data-dir", "."], "ubyte.gz: no such file"),
        (["train", "--resume"], "--resume needs --save DIR"),
        (["train", "--save", "points.csv", "--epochs", "1"], "points.csv: File exists"),
        (["train", "--save", "points.csv/a", "--epochs", "1"], "points.csv/a: Not a directory"),
        (["train", "--save", "damaged", "--resume"], "checkpoint.safetensors: not a safetensors"),
        (["train", "--save", "blocked"], "model.safetensors: not a regular file"),
        (["train", "--plot", "curves"], "--plot is 'curves'; expected a name that ends in"),
        (["train", "--plot", "curves.csv"], "--plot is 'curves.csv'; expected a name that ends"),
        (["train", "--plot", "gone/curves.png"], "gone/curves.png: no such folder"),
        (["train", "--plot", "taken.png", "--epochs", "1"], "taken.png: Is a directory"),
        (["bench", "--only", "speed"], "--only: invalid choice: 'speed'"),
        (["bench", "--threads", "0"], "--threads: '0'; expected an integer from 1 to "),
        (["bench", "--seconds", "-1"], "--seconds: '-1'; expected a positive, finite number"),
        (["train", "--data-dir", "."],
         "--data-dir is '.'; expected with --dataset fashion-mnist only"),
    ],
)  # fmt: skip
def test_errors_are_one_line_and_exit_code_2(capsys, monkeypatch, table, arguments, message):
    (table.parent / "corrupt.npz").write_bytes(table.with_suffix(".npz").read_bytes()[:-50])
    (table.parent / "corrupt.csv").write_text("1,2,a\n3")
    (table.parent / "semicolons.csv").write_text("1;2;a\n3;4;b\n")
    (table.parent / "same.csv").write_text("1,2\n3,2\n")
    np.savez(table.parent / "same.npz", X=np.eye(4), y=np.full(4, 1.5))
    for folder in ("damaged", "blocked/model.safetensors", "taken.png"):
        (table.parent / folder).mkdir(parents=True)
    (table.parent / "damaged/checkpoint.safetensors").write_text("text")
    monkeypatch.chdir(table.parent)
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ranvier: error: ") and len(err.splitlines()) == 1 and err[-1] == "\n"
    assert message in err


def test_an_error_of_the_process():
    process = run("train", "--dataset", "nowhere.npz")
    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr == "ranvier: error: nowhere.npz: no such file\n"


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        (["info"], ""),
        (["info"], "1"),
        (["train", "--epochs=1", "--json", "--dataset=points.csv"], ""),
    ],
    ids=["info", "info unbuffered", "train"],
)
@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        ("| head -c 0; exit ${PIPESTATUS[0]}", 1, ""),
        ("> /dev/full", 2, "ranvier: error: cannot write the output: No space left on device\n"),
        (">&-", 0, ""),
    ],
    ids=["nobody reads", "no space", "closed"],
)
def test_output_that_cannot_be_written(redirection, code, message, arguments, unbuffered, table):
    command = shlex.join([sys.executable, "-m", "ranvier", *arguments])
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.run(
        ["bash", "-c", f"{command} {redirection}"],
        capture_output=True, text=True, timeout=60, env=environment, cwd=table.parent,
    )  # fmt: skip
    assert (process.returncode, process.stdout, process.stderr) == (code, "", message)


@pytest.mark.parametrize("name", ["[red]x.csv", ":smile:.csv", "größe ☃.csv"])
def test_any_file_name_on_any_terminal(table, name):
    path = table.rename(table.with_name(name))
    shown = name.encode("ascii", "backslashreplace").decode()
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = run("train", "--dataset", str(path), "--epochs", "1", "--json", env=ascii_only)
    assert (process.returncode, process.stderr) == (0, "")
    assert f"{shown}: 120 samples" in process.stdout
    assert json.loads(process.stdout.splitlines()[-1])["dataset"] == name
    path.unlink()
    process = run("train", "--dataset", str(path), env=ascii_only)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr.endswith(f"{shown}: no such file\n") and process.stderr.count("\n") == 1


def test_an_error_of_ours_is_not_hidden(monkeypatch):
    def broken(*_, **__):
        raise ValueError("a mistake in the program")

    monkeypatch.setattr(Trainer, "fit", broken)
    with pytest.raises(ValueError, match="a mistake"):
        cli.main(["train"])


def test_interrupted():
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout.readline() == "training\n"
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (130, "", "")


# Says when the first step is done, so that the signal comes in the middle of the training.
INTERRUPTED = """
import signal
import sys
from ranvier import cli
from ranvier.trainer import Trainer

class Began:
    told = False
    def on_step_end(self, trainer, loss):
        if not self.told:
            self.told = True
            print("training")

original = Trainer.__init__
def begin(self, *args, **options):
    options["callbacks"] = [Began(), *options.get("callbacks", ())]
    original(self, *args, **options)
Trainer.__init__ = begin
# Where a shell started the tests in the background, it is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(cli.main(["train", "--epochs", "1000000"]))
"""
