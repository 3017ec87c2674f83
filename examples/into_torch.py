"""A model to PyTorch and back: names and shapes of the parameters are the same."""

import numpy as np
import torch

import ranvier as rv
from ranvier import losses, nn, optim

rng = np.random.default_rng(0)
x = rng.standard_normal((500, 4), dtype=np.float32)
y = (x[:, 0] * x[:, 1] > 0).astype(int)

model = nn.Sequential(nn.Linear(4, 32, rng=0), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 2, rng=1))
trainer = rv.Trainer(model, losses.cross_entropy, optim.Adam(model.parameters(), lr=0.01), seed=0)
trainer.fit(x, y, epochs=20, progress=False)
print("parameters:", *model.state_dict())

# There.
net = torch.nn.Sequential(
    torch.nn.Linear(4, 32), torch.nn.GELU(), torch.nn.LayerNorm(32), torch.nn.Linear(32, 2)
)
net.load_state_dict({name: torch.from_numpy(array) for name, array in model.state_dict().items()})
with torch.no_grad():
    difference = np.abs(net(torch.from_numpy(x)).numpy() - trainer.predict(x)).max()
print(f"largest difference of the outputs in torch: {difference:.1e}")
assert difference < 1e-4

# A few steps more in torch, and back.
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(50):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    optimizer.step()
before = trainer.evaluate(x, y)
model.load_state_dict({name: tensor.numpy() for name, tensor in net.state_dict().items()})
after = trainer.evaluate(x, y)
with torch.no_grad():
    difference = np.abs(net(torch.from_numpy(x)).numpy() - trainer.predict(x)).max()
print(f"and back: {difference:.1e}; loss {before['loss']:.4f} before, {after['loss']:.4f} after")
assert difference < 1e-4
assert after["loss"] < before["loss"]
