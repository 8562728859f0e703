"""TensorFlow's and Keras's names for what is here: a tutorial runs with nothing but its import lines changed.

    import tinygrad_lite.compat.tensorflow as tf
    from tinygrad_lite.compat import keras
    from tinygrad_lite.compat.keras import layers

Every name is mapped onto this package's own function or class, with TensorFlow's arguments where they differ.
What is not here raises and says what is; nothing is there in name alone.
"""
