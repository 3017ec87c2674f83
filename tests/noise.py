"""A layer with a random generator of its own, or of somebody else's."""

from __future__ import annotations

import numpy as np

from ranvier import nn


class Noise(nn.Module):
    """Drops a share of its input in train mode."""

    def __init__(self, rng=7, share=0.3):
        super().__init__()
        self.rng = np.random.default_rng(rng)
        self.share = share

    def forward(self, x):
        drawn = self.rng.random(x.shape, np.float32) if self.training else None
        self.kept = 1 if drawn is None else drawn > self.share
        return x * self.kept

    def backward(self, grad_output, accumulate=False):
        return grad_output * self.kept

    def random_state(self):
        return self.rng.bit_generator.state

    def set_random_state(self, state):
        self.rng.bit_generator.state = state
