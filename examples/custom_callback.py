"""Callbacks of one's own: a quantity more in the history, and an end that one chooses.

A callback is any object with some of the methods of `ranvier.callbacks.Callback`.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ranvier as rv
from ranvier import losses, nn, optim


class GradientNorm:
    """Adds the mean norm of the gradient over an epoch to the history."""

    def on_epoch_begin(self, trainer):
        self.norms = []

    def on_step_end(self, trainer, loss):
        self.norms.append(np.linalg.norm(trainer.model.flat_gradients))

    def on_epoch_end(self, trainer, logs):
        logs["gradient_norm"] = float(np.mean(self.norms))


class StopAtAccuracy:
    """Ends the training when it is good enough."""

    def __init__(self, accuracy):
        self.accuracy = accuracy

    def on_epoch_end(self, trainer, logs):
        if logs["val_accuracy"] >= self.accuracy:
            print(f"{logs['val_accuracy']:.1%} of the validation: enough")
            trainer.stop()


X, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(X / 16, y, test_size=0.2, random_state=0)
model = nn.Sequential(nn.Linear(64, 64, rng=0), nn.ReLU(), nn.Linear(64, 10, rng=1))
trainer = rv.Trainer(
    model,
    losses.cross_entropy,
    optim.Adam(model.parameters(), lr=3e-3),
    callbacks=[GradientNorm(), StopAtAccuracy(0.95)],
    seed=0,
)
history = trainer.fit(x_train, y_train, epochs=100, validation_data=(x_val, y_val), progress=False)
for epoch, (loss, norm) in enumerate(zip(history["loss"], history["gradient_norm"], strict=True)):
    print(f"epoch {epoch + 1:2}  loss {loss:.4f}  norm of the gradient {norm:.4f}")

assert history["val_accuracy"][-1] >= 0.95
assert max(history["val_accuracy"][:-1]) < 0.95
