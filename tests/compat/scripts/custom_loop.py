# A training loop of one's own: tf.function, metrics, one-hot labels, a subclass of Model.
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(2)


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(64, activation="relu")
        self.out = layers.Dense(10)

    def call(self, x):
        return self.out(self.hidden(self.flatten(x)))


(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train = tf.cast(x_train, tf.float32) / 255.0
x_test = tf.cast(x_test, tf.float32) / 255.0
one_hot = tf.one_hot(y_train, depth=10)

model = Classifier()
optimizer = keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
train_loss = keras.metrics.Mean(name="train_loss")
train_accuracy = keras.metrics.CategoricalAccuracy(name="train_accuracy")
model(x_train[:1])


@tf.function
def train_step(images, labels):
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, logits


for epoch in range(8):
    train_loss.reset_state()
    train_accuracy.reset_state()
    for start in range(0, 1000, 100):
        images, labels = x_train[start : start + 100], one_hot[start : start + 100]
        loss, logits = train_step(images, labels)
        train_loss.update_state(loss)
        train_accuracy.update_state(labels, logits)
    print(f"Epoch {epoch + 1}, loss {train_loss.result():.3f}, accuracy {train_accuracy.result():.3f}")

prediction = tf.argmax(model(x_test), axis=1)
accuracy = tf.reduce_mean(tf.cast(tf.equal(prediction, y_test), tf.float32)).numpy()
