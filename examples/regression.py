"""A regression: how far diabetes has progressed in a year, for 442 patients, with scikit-learn."""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import ranvier as rv
from ranvier import losses, nn, optim

X, y = load_diabetes(return_X_y=True, scaled=False)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)

# Features and target with mean 0 and variance 1: the usual learning rates are made for these. The
# scalers learn from the training samples only. The target is a column, as the model's output is.
features, target = StandardScaler(), StandardScaler()
x_train, x_test = features.fit_transform(X_train), features.transform(X_test)
t_train = target.fit_transform(y_train[:, np.newaxis])

model = nn.Sequential(nn.Linear(10, 32, rng=0), nn.SiLU(), nn.Linear(32, 1, rng=1))
trainer = rv.Trainer(
    model,
    losses.mse_loss,
    optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1),
    seed=0,
)
history = trainer.fit(x_train, t_train, epochs=40, batch_size=32, progress=False)
print(f"mean squared error {history['loss'][0]:.3f} at first, {history['loss'][-1]:.3f} at last")


def error(predicted):
    """The root of the mean square, in the units of the target."""
    return np.sqrt(np.mean((predicted - y_test) ** 2))


predicted = target.inverse_transform(trainer.predict(x_test))[:, 0]
linear = LinearRegression().fit(X_train, y_train).predict(X_test)
mean = np.full_like(y_test, y_train.mean())
print(f"test error: {error(predicted):.1f}; of a linear regression {error(linear):.1f}; ", end="")
print(f"of the mean {error(mean):.1f}")

assert history["loss"][-1] < history["loss"][0]
assert error(predicted) < 0.85 * error(mean)
