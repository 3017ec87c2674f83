"""A classifier of handwritten digits: 1,797 images of 8 x 8 pixels, with scikit-learn."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ranvier as rv
from ranvier import callbacks, losses, nn, optim

X, y = load_digits(return_X_y=True)
X_rest, X_test, y_rest, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, test_size=0.2, random_state=0)

model = nn.Sequential(
    nn.Linear(64, 128, rng=0),
    nn.GELU(),
    nn.Dropout(0.2, rng=1),
    nn.Linear(128, 10, rng=2),
)
trainer = rv.Trainer(
    model,
    losses.cross_entropy,
    optim.Adam(model.parameters(), lr=3e-3),
    # Ends when the validation has stopped to improve, and goes back to the best parameters.
    callbacks=[callbacks.EarlyStopping(patience=5, restore_best=True)],
    seed=0,
)
history = trainer.fit(
    X_train, y_train, epochs=100, batch_size=64, validation_data=(X_val, y_val), progress=False
)
for epoch in range(0, trainer.epoch, 5):
    loss, val_loss = history["loss"][epoch], history["val_loss"][epoch]
    print(f"epoch {epoch + 1:3}  loss {loss:.4f}  validation {val_loss:.4f}")

result = trainer.evaluate(X_test, y_test)
print(f"{trainer.epoch} epochs; {result['accuracy']:.1%} of the test images are classified rightly")
print("The first ten:", trainer.predict(X_test[:10]).argmax(1), "expected:", y_test[:10])

assert result["accuracy"] > 0.96
