"""`fit` and `predict` of Keras's Sequential, on whatever backend it is set to: one epoch of 20 batches, by the step."""

import keras
import work

VERSION = f"{keras.__version__} on {keras.backend.backend()}"
STEPS = 20
UNITS = {"step": STEPS}


def rows():
    def model():
        made = keras.Sequential(
            [keras.Input((784,)), keras.layers.Dense(512, activation="relu"), keras.layers.Dense(10, "softmax")]
        )
        made.set_weights(work.weights(784, 512, 10))
        return made

    trained, used = model(), model()
    trained.compile(keras.optimizers.RMSprop(work.LEARNING_RATE), "sparse_categorical_crossentropy")
    x, y = work.images(STEPS * work.BATCH), work.labels(STEPS * work.BATCH)
    images = work.images(10_000)

    def fit():
        return trained.fit(x, y, batch_size=work.BATCH, verbose=0).history["loss"][0]

    return {
        "step": fit,
        "predict": lambda: float(used.predict(images, batch_size=work.BATCH, verbose=0)[:, 0].sum()),
    }
