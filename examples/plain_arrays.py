"""Two layers trained on plain NumPy arrays: no module, no trainer, only functions.

Every activation is a ufunc. `rv.vjp.gelu(g, x)` is its backward pass: g times the derivative at x.
A loss gives its value and its gradient in one pass, and an optimizer updates the arrays in place.
"""

import numpy as np

import ranvier as rv

rng = np.random.default_rng(0)

# Points in the square, and whether they lie in a ring around its centre.
x = rng.uniform(-1, 1, (1000, 2)).astype(np.float32)
radius = np.hypot(x[:, 0], x[:, 1])
labels = ((radius > 0.4) & (radius < 0.8)).astype(int)

w1 = rng.normal(0, 1, (2, 32)).astype(np.float32)
b1 = np.zeros(32, np.float32)
w2 = rng.normal(0, 0.1, (32, 2)).astype(np.float32)
b2 = np.zeros(2, np.float32)
optimizer = rv.optim.Adam([w1, b1, w2, b2], lr=0.02)

for step in range(501):
    # Forward.
    before = x @ w1 + b1
    hidden = rv.gelu(before)
    scores = hidden @ w2 + b2
    loss, g_scores = rv.losses.cross_entropy.value_and_grad(scores, labels)

    # Backward: the chain rule, last layer first.
    g_before = rv.vjp.gelu(g_scores @ w2.T, before)
    gradients = [x.T @ g_before, g_before.sum(0), hidden.T @ g_scores, g_scores.sum(0)]
    optimizer.step(gradients)  # w1, b1, w2 and b2 themselves

    if step % 100 == 0:
        accuracy = np.mean(scores.argmax(1) == labels)
        print(f"step {step:3}  loss {loss:.4f}  accuracy {accuracy:.3f}")

assert accuracy > 0.95
