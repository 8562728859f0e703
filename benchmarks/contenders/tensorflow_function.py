"""The same functions as in `tensorflow_eager`, under `tf.function`."""

import tensorflow as tf

from contenders import tensorflow_eager

VERSION = tensorflow_eager.VERSION


def rows():
    return tensorflow_eager.rows(tf.function)
