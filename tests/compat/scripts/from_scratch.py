# A network written from scratch on the tape: a dense layer, a model, a batch generator, a training step.
import math

import numpy as np
import tensorflow as tf
from tensorflow.keras import optimizers
from tensorflow.keras.datasets import mnist

tf.random.set_seed(3)


class NaiveDense:
    def __init__(self, input_size, output_size, activation):
        self.activation = activation
        w_shape = (input_size, output_size)
        w_initial_value = tf.random.uniform(w_shape, minval=0, maxval=1e-1)
        self.W = tf.Variable(w_initial_value)
        b_shape = (output_size,)
        b_initial_value = tf.zeros(b_shape)
        self.b = tf.Variable(b_initial_value)

    def __call__(self, inputs):
        return self.activation(tf.matmul(inputs, self.W) + self.b)

    @property
    def weights(self):
        return [self.W, self.b]


class NaiveSequential:
    def __init__(self, layers):
        self.layers = layers

    def __call__(self, inputs):
        x = inputs
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def weights(self):
        weights = []
        for layer in self.layers:
            weights += layer.weights
        return weights


class BatchGenerator:
    def __init__(self, images, labels, batch_size=128):
        self.index = 0
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.num_batches = math.ceil(len(images) / batch_size)

    def next(self):
        images = self.images[self.index : self.index + self.batch_size]
        labels = self.labels[self.index : self.index + self.batch_size]
        self.index += self.batch_size
        return images, labels


model = NaiveSequential([NaiveDense(28 * 28, 64, tf.nn.relu), NaiveDense(64, 10, tf.nn.softmax)])
assert len(model.weights) == 4
learning_rate = 1e-2
optimizer = optimizers.Adam(learning_rate=learning_rate)


def update_weights(gradients, weights):
    for g, w in zip(gradients, weights):
        w.assign_sub(g * learning_rate)


def one_training_step(model, images_batch, labels_batch, by_hand):
    with tf.GradientTape() as tape:
        predictions = model(images_batch)
        per_sample_losses = tf.keras.losses.sparse_categorical_crossentropy(labels_batch, predictions)
        average_loss = tf.reduce_mean(per_sample_losses)
    gradients = tape.gradient(average_loss, model.weights)
    if by_hand:
        update_weights(gradients, model.weights)
    else:
        optimizer.apply_gradients(zip(gradients, model.weights))
    return average_loss


(train_images, train_labels), (test_images, test_labels) = mnist.load_data()
train_images = train_images.reshape((-1, 28 * 28)).astype("float32") / 255
test_images = test_images.reshape((-1, 28 * 28)).astype("float32") / 255

losses = []
for epoch in range(10):
    batches = BatchGenerator(train_images, train_labels)
    for _ in range(batches.num_batches):
        images_batch, labels_batch = batches.next()
        loss = one_training_step(model, images_batch, labels_batch, by_hand=epoch == 0)
    losses.append(loss.numpy())
    print(f"loss after epoch {epoch}: {loss:.2f}")
assert losses[-1] < losses[0]

predictions = model(test_images)
predictions = predictions.numpy()
predicted_labels = np.argmax(predictions, axis=1)
matches = predicted_labels == test_labels
accuracy = matches.mean()
print(f"accuracy: {accuracy:.2f}")
