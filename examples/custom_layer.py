"""A layer of one's own: Snake, x + sin(a x)^2 / a, with a frequency a that is learned.

It knows what is periodic, which a ReLU cannot learn (Ziyin, Hartwig and Ueda, 2020).
"""

import numpy as np

import ranvier as rv
from ranvier import losses, nn, optim


class Snake(nn.Module):
    """x + sin(a x)^2 / a, with a frequency for each feature."""

    frequency = nn.Parameter()

    def __init__(self, features, frequency=1.0):
        super().__init__()
        self.add_parameter("frequency", np.full(features, frequency, np.float32))

    def forward(self, x):
        self.x = x
        return x + np.sin(self.frequency * x) ** 2 / self.frequency

    def backward(self, grad_output, accumulate=False):
        x, a = self.x, self.frequency
        slope = np.sin(2 * a * x)  # of sin(a x)^2 / a with respect to x
        by_frequency = (x * slope - np.sin(a * x) ** 2 / a) / a
        self.write_gradient("frequency", (grad_output * by_frequency).sum(0), accumulate)
        return grad_output * (1 + slope)


# The formula of the gradient, against differences of the outputs. A mistake is an error here.
rng = np.random.default_rng(0)
worst = nn.gradcheck(Snake(3, frequency=0.7), rng.standard_normal((5, 3)))
print(f"gradients: largest relative error {worst:.1e}")
assert worst < 1e-6

# A wave that rises, on [-6, 6]; tested on the two periods that follow on the right.
x = rng.uniform(-6, 6, (1000, 1)).astype(np.float32)
x_after = np.linspace(6, 12, 200, dtype=np.float32)[:, np.newaxis]


def wave(x):
    return np.sin(2 * x) + x / 3


def test_error(activation):
    """The mean square on what follows, after a training with this activation."""
    model = nn.Sequential(nn.Linear(1, 32, rng=0), activation, nn.Linear(32, 1, rng=1))
    trainer = rv.Trainer(model, losses.mse_loss, optim.Adam(model.parameters(), lr=0.01), seed=0)
    trainer.fit(x, wave(x), epochs=150, batch_size=64, progress=False)
    return trainer.evaluate(x_after, wave(x_after))["loss"]


snake, relu = test_error(Snake(32)), test_error(nn.ReLU())
print(f"mean squared error beyond the training data: {snake:.4f} with Snake, {relu:.4f} with ReLU")
assert snake < relu / 5
