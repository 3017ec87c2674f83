"""A training run that goes on from its checkpoint, and is killed: one for each line of input.

A line is the time after which it is killed, in seconds or "never", and its folder. Each is a
process of its own, forked from this one, which has imported everything; its status is written when
it has ended.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

import ranvier as rv
from noise import Noise
from ranvier import losses, nn, optim
from ranvier.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint

EPOCHS = 30


class Warming:
    """A schedule that turns: down for five epochs, up again for five."""

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.last_epoch = 0

    def step(self):
        self.last_epoch += 1
        self.optimizer.lr *= 0.7 if self.last_epoch % 10 < 5 else 1.4

    def state_dict(self):
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict):
        self.last_epoch = state_dict["last_epoch"]


def train(folder: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((768, 64), np.float32)
    y = np.argmax(X[:, :8] + rng.standard_normal((768, 8), np.float32), axis=1)
    first, last = nn.Linear(64, 400, rng=1), nn.Linear(400, 8, rng=2)
    model = nn.Sequential(first, nn.ReLU(), Noise(5, 0.2), last)
    optimizer = optim.Adam(model.parameters(), lr=2e-3, amsgrad=True)
    options = {
        "scheduler": Warming(optimizer),
        "max_norm": 1.0,
        "callbacks": [
            ModelCheckpoint(folder / "run.safetensors"),
            EarlyStopping(patience=10, restore_best=True),
            ModelCheckpoint(
                folder / "best.safetensors", save_best_only=True, save_weights_only=True
            ),
            CSVLogger(folder / "log.csv"),
        ],
    }
    if (folder / "run.safetensors").exists():
        trainer = rv.Trainer.resume(
            folder / "run.safetensors", model, losses.cross_entropy, optimizer, **options
        )
    else:
        trainer = rv.Trainer(model, losses.cross_entropy, optimizer, seed=3, **options)
    trainer.fit(
        X[:512], y[:512], validation_data=(X[512:], y[512:]),
        epochs=EPOCHS - trainer.epoch, batch_size=64, progress=False,
    )  # fmt: skip
    ended = {"epochs": trainer.epoch, "digest": digest(trainer, folder)}
    (folder / "ended.json").write_text(json.dumps(ended))


def digest(trainer: rv.Trainer, folder: Path) -> str:
    """Of all that the run gave but its times."""
    trainer.history.pop("seconds")
    with open(folder / "log.csv", newline="") as file:
        table = [{**row, "seconds": None} for row in csv.DictReader(file)]
    moments = [
        value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
        for state in trainer.optimizer.state_dict()["state"].values()
        for value in state.values()
    ]
    parts = [
        trainer.model.flat_parameters.tobytes(),
        *moments,
        repr((trainer.history, table, trainer.optimizer.lr)).encode(),
        (folder / "best.safetensors").read_bytes(),
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()


if __name__ == "__main__":
    for line in sys.stdin:
        delay, folder = line.split(maxsplit=1)
        child = os.fork()
        if child == 0:
            train(Path(folder.strip()))
            os._exit(0)
        # Not reaped yet, the number is the child's, even if it has ended.
        if delay != "never":
            time.sleep(float(delay))
            os.kill(child, signal.SIGKILL)
        print(os.waitpid(child, 0)[1], flush=True)
