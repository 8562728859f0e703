"""`fit` and `predict` of tinygrad_lite's Sequential: one epoch of 20 batches, timed by the step."""

import work

from contenders.tinygrad_lite_eager import VERSION as VERSION
from contenders.tinygrad_lite_eager import network
from tinygrad_lite import nn, optim

STEPS = 20
UNITS = {"step": STEPS}  # a call does so many units


def rows():
    def model():
        return network(nn.Dense(512, activation="relu"), nn.Dense(10, activation="softmax"), sizes=(784, 512, 10))

    trained, used = model(), model()
    trained.compile(optim.RMSProp(work.LEARNING_RATE), "sparse_categorical_crossentropy")
    x, y = work.images(STEPS * work.BATCH), work.labels(STEPS * work.BATCH)
    images = work.images(10_000)

    def fit():
        return trained.fit(x, y, batch_size=work.BATCH, verbose=0).history["loss"][0]

    return {"step": fit, "predict": lambda: float(used.predict(images, work.BATCH, verbose=0)[:, 0].sum())}
