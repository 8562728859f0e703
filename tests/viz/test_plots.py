"""The pictures of training: not blank, with the axes and words that they should have, and no pyplot anywhere."""

import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.viz import plots

pytest.importorskip("matplotlib", reason="plots need matplotlib, of the viz extra")
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from tinygrad_lite.viz.plots.canvas import BLUE, RED

HISTORY = {
    "loss": [0.9, 0.5, 0.3], "accuracy": [0.6, 0.8, 0.9], "val_loss": [0.8, 0.6, 0.5], "val_accuracy": [0.6, 0.7, 0.8],
}  # fmt: skip


def pixels(figure):
    """The picture as drawn, (height, width, 4)."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


def assert_drawn(figure):
    assert isinstance(figure, Figure)
    assert len(np.unique(pixels(figure).reshape(-1, 4), axis=0)) > 10


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


@pytest.fixture(scope="module")
def trained():
    """A small classifier of 4×4 images, with everything that was recorded while it was trained."""
    tgl.random.set_seed(0)
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 60)
    x = generator.standard_normal((60, 4, 4)).astype("float32") * 0.5
    x[np.arange(60), y, 1] += 3
    model = nn.Sequential([nn.Flatten(), nn.Dense(8, activation="tanh"), nn.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    norms, path = viz.GradientNorms(x[:20], y[:20], every=2), viz.WeightPath(every=4)
    history = model.fit(x, y, epochs=3, batch_size=10, verbose=0, callbacks=[norms, path], validation_split=0.1)
    return model, x, y, history, norms, path


# Learning curves ----------------------------------------------------------------------------------------------


def test_learning_curves_have_a_panel_for_each_metric_and_dashed_validation():
    figure = plots.learning_curves(HISTORY)
    assert_drawn(figure)
    assert titles(figure) == ["loss", "accuracy"]
    training, validation = figure.axes[0].lines
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(training.get_ydata(), HISTORY["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), HISTORY["val_loss"])
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        ({"a": HISTORY, "b": {"loss": [1.0]}}, ["a, training", "a, validation", "b, training"]),
        ({"a": {"loss": [2.0]}, "b": {"loss": [1.0]}}, ["a", "b"]),
        ([HISTORY, {"loss": [1.0]}], ["run 1, training", "run 1, validation", "run 2, training"]),
    ],
)
def test_learning_curves_compare_histories(runs, labels):
    figure = plots.learning_curves(runs)
    assert [line.get_label() for line in figure.axes[0].lines] == labels


def test_a_history_plots_itself_and_counts_epochs_on(trained):
    history = nn.History()
    history.on_train_begin()
    for epoch in (5, 6):
        history.on_epoch_end(epoch, {"loss": 1.0})
    np.testing.assert_array_equal(history.plot().axes[0].lines[0].get_xdata(), [6, 7])
    assert titles(trained[3].plot("accuracy")) == ["accuracy"]


def test_learning_curves_on_given_axes_draw_the_loss_only():
    figure = Figure()
    axes = figure.add_subplot()
    assert plots.learning_curves(HISTORY, ax=axes) is figure
    assert axes.get_title() == "loss"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"histories": {"loss": []}}, ValueError, "at least one epoch"),
        ({"histories": {}}, ValueError, "at least one epoch"),
        ({"histories": HISTORY, "metrics": "auc"}, ValueError, r"among \['loss', 'accuracy'\].*auc"),
        ({"histories": [1.0, 2.0]}, TypeError, "what fit returned.*Received: float"),
        ({"histories": HISTORY, "ax": "left"}, TypeError, "ax to be matplotlib axes.*str"),
    ],
)
def test_learning_curves_refuse(arguments, error, says):
    with pytest.raises(error, match=says):
        plots.learning_curves(**arguments)


def test_one_axes_takes_one_metric():
    with pytest.raises(ValueError, match="one metric on one ax"):
        plots.learning_curves(HISTORY, ["loss", "accuracy"], ax=Figure().add_subplot())


# Images -------------------------------------------------------------------------------------------------------


def test_images_right_is_blue_and_wrong_is_red_with_the_label():
    figure = plots.images(np.random.default_rng(0).random((3, 8, 8)), [0, 1, 2], [0, 2, 2], names=["cat", "dog", "owl"])
    assert_drawn(figure)
    assert titles(figure) == ["cat", "owl (is dog)", "owl"]
    assert [to_hex(axes.title.get_color()).upper() for axes in figure.axes] == [BLUE, RED, BLUE]


def test_images_show_probabilities_and_colours():
    figure = plots.images(np.zeros((2, 8, 8, 3)), predictions=np.array([[0.25, 0.75], [0.9, 0.1]]))
    assert titles(figure) == ["1 75%", "0 90%"]


def test_mistakes_are_sorted_by_loss():
    labels = np.array([0, 0, 1, 1])
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.99, 0.01], [0.8, 0.2]])
    figure = plots.mistakes(np.random.default_rng(0).random((4, 8, 8)), labels, shares, count=2)
    assert_drawn(figure)
    assert [title.split("\n")[1] for title in titles(figure)] == [f"loss {-np.log(p):.2f}" for p in (0.01, 0.2)]
    assert figure.get_suptitle() == "3 of 4 wrong (75.0%)"


def test_no_mistakes_is_a_picture_too():
    figure = plots.mistakes(np.zeros((1, 8, 8)), [0], [[0.9, 0.1]])
    assert figure.get_suptitle() == "0 of 1 wrong (0.0%)"


def test_confusion_matrix_counts():
    figure = plots.confusion_matrix([0, 0, 1, 2, 2], [0, 1, 1, 2, 0])
    assert_drawn(figure)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["1", "1", "", "", "1", "", "1", "", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "label", "60.00% right")


def test_confusion_matrix_in_percent_with_names_on_given_axes():
    figure = Figure()
    axes = figure.add_subplot()
    plots.confusion_matrix([0, 0, 1], [0, 1, 1], names=["no", "yes"], normalize=True, ax=axes)
    assert [text.get_text() for text in axes.texts] == ["50%", "50%", "", "100%"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no", "yes"]


def test_filters_take_the_first_kernel_of_a_model(trained):
    model, *_ = trained
    figure = plots.filters(model, count=5)
    assert_drawn(figure)
    kernel = model.layers[1].kernel.numpy()
    largest = np.argsort(-np.linalg.norm(kernel, axis=0))[:5]
    assert titles(figure) == [str(n) for n in largest]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), kernel[:, largest[0]].reshape(4, 4))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plots.images(np.zeros((4, 64))), "reshape"),
        (lambda: plots.images(np.zeros((2, 8, 8)), labels=[0]), r"labels.*shape \(2,\)"),
        (lambda: plots.images(np.zeros((2, 8, 8)), labels=np.eye(2)), "argmax"),
        (lambda: plots.mistakes(np.zeros((2, 8, 8)), [0, 1], [0, 1]), r"probabilities of shape \(2, classes\)"),
        (lambda: plots.mistakes(np.zeros((1, 8, 8)), [2], [[0.5, 0.5]]), "labels from 0 to 1"),
        (lambda: plots.confusion_matrix([0, 1], [0]), r"predictions.*shape \(2,\)"),
        (lambda: plots.filters(np.zeros((15, 3))), r"shape=\(height, width\)"),
        (lambda: plots.filters(np.zeros(15)), r"\(inputs, units\)"),
    ],
)
def test_pictures_of_what_does_not_fit(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# Gradients and weights ----------------------------------------------------------------------------------------


def test_gradient_norms_are_those_of_the_gradients(trained):
    model, x, y, _, norms, _ = trained
    assert norms.steps == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    fresh = viz.GradientNorms(x[:20], y[:20])
    fresh.set_model(model)
    fresh.on_train_begin()
    fresh.on_train_batch_begin(0)
    with tgl.GradientTape() as tape:
        loss = nn.losses.sparse_categorical_crossentropy(y[:20], model(x[:20])).mean()
    expected = [np.linalg.norm(g.numpy()) for g in tape.gradient(loss, model.trainable_variables)]
    np.testing.assert_allclose([values[0] for values in fresh.norms.values()], expected, rtol=1e-4)


def test_gradient_norms_leave_training_as_it_is():
    def weights(callbacks):
        tgl.random.set_seed(3)
        model = nn.Sequential([nn.Dense(4), nn.Dropout(0.5), nn.Dense(1)])
        model.compile("sgd", "mean_squared_error")
        x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
        model.fit(x, x, epochs=2, batch_size=8, verbose=0, callbacks=callbacks(x))
        return model.get_weights()

    watched = weights(lambda x: [viz.GradientNorms(x[:8], x[:8]), viz.WeightPath()])
    for a, b in zip(weights(lambda x: []), watched):
        np.testing.assert_array_equal(a, b)


def test_gradient_flow_has_a_curve_for_each_parameter(trained):
    figure = plots.gradient_flow(trained[4])
    assert_drawn(figure)
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == list(trained[4].norms)
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), trained[4].steps)
    assert axes.get_yscale() == "log"


def test_gradient_flow_names_what_got_no_gradient():
    figure = plots.gradient_flow({"a": [1.0, 0.5], "dead": [0.1, 0.0]})
    assert [text.get_text() for text in figure.axes[0].texts] == ["zero at the end: dead"]
    with pytest.raises(ValueError, match="GradientNorms"):
        plots.gradient_flow({})


def test_histograms_of_weights_and_gradients(trained):
    model, x, y, *_ = trained
    with tgl.GradientTape() as tape:
        loss = nn.losses.sparse_categorical_crossentropy(y, model(x)).mean()
    figure = plots.histograms(model, tape.gradient(loss, model.trainable_variables))
    assert_drawn(figure)
    names = [variable.name for variable in model.trainable_variables]
    assert titles(figure) == [text for name in names for text in (name, f"gradient of {name}")]
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == model.trainable_variables[0].size


def test_histograms_say_what_is_not_finite_or_missing():
    figure = plots.histograms({"w": [1.0, np.nan, np.inf, 2.0]}, {"w": None})
    assert "2 NaN or inf" in figure.axes[0].texts[0].get_text()
    assert figure.axes[1].texts[0].get_text() == "no gradient"
    with pytest.raises(ValueError, match=r"\(2,\).*Received: \[\(3,\)\]"):
        plots.histograms({"w": np.ones(2)}, [np.ones(3)])


# Loss surface -------------------------------------------------------------------------------------------------


def test_loss_surface_computes_the_loss_and_puts_the_weights_back(trained):
    model, x, y, _, _, path = trained
    before = [variable.numpy().copy() for variable in model.trainable_variables]
    seen = []

    def loss():
        seen.append(model.trainable_variables[0].numpy().copy())
        return nn.losses.sparse_categorical_crossentropy(y, model(x)).mean()

    figure = plots.loss_surface(loss, model, path=path, steps=5)
    assert_drawn(figure)
    assert len(seen) == 25
    for variable, w in zip(model.trainable_variables, before):
        np.testing.assert_array_equal(variable.numpy(), w)
    # at the corner of span 1 each unit has moved by its norm along either direction
    norms = np.linalg.norm(before[0], axis=0)
    moved = np.linalg.norm(seen[2] - before[0], axis=0)  # middle of the first row: only the second direction
    np.testing.assert_allclose(moved, norms, rtol=1e-4)


def test_loss_surface_along_the_path_shows_most_of_it(trained):
    model, x, y, _, _, path = trained
    figure = plots.loss_surface(
        lambda: nn.losses.sparse_categorical_crossentropy(y, model(x)).mean(), model, path=path, directions="path",
        steps=4,
    )  # fmt: skip
    axes = figure.axes[0]
    assert axes.get_xlabel() == "main direction of the path 1"
    track = np.stack(axes.lines[1].get_data(), axis=1)
    assert len(track) == len(path.points)
    np.testing.assert_allclose(track[-1], 0, atol=1e-6)  # it ends at the present weights
    start = np.concatenate([(p - v.numpy()).ravel() for p, v in zip(path.points[0], model.trainable_variables)])
    assert np.linalg.norm(track[0]) > 0.9 * np.linalg.norm(start)


def test_loss_surface_puts_the_weights_back_when_the_loss_raises():
    w = tgl.Variable([[1.0, 2.0]])

    def loss():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        plots.loss_surface(loss, [w], steps=3)
    np.testing.assert_array_equal(w.numpy(), [[1.0, 2.0]])
    with pytest.raises(ValueError, match="at least 3 points"):
        plots.loss_surface(loss, [w], directions="path")
    with pytest.raises(ValueError, match="same variables"):
        plots.loss_surface(loss, [w], path=[[np.ones(3)]])


# While training -----------------------------------------------------------------------------------------------


def fit_with(callback, epochs=2):
    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    x = np.ones((8, 1), "float32")
    model.fit(x, x, epochs=epochs, batch_size=4, verbose=0, callbacks=[callback])


def test_live_curves_write_a_picture_each_epoch(tmp_path):
    from matplotlib.image import imread

    live = viz.LiveCurves(tmp_path / "new" / "curves.png")
    sizes = []

    class Watch(nn.Callback):
        def on_epoch_end(self, epoch, logs=None):
            sizes.append(len(np.unique(imread(live.path))))

    model = nn.Sequential([nn.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    x = np.ones((8, 1), "float32")
    model.fit(x, x, epochs=2, verbose=0, callbacks=[live, Watch()])
    assert len(sizes) == 2
    assert min(sizes) > 10
    assert len(live.history["loss"]) == 2
    assert [path.name for path in live.path.parent.iterdir()] == ["curves.png"]


def test_live_curves_redraw_one_output_in_a_notebook(monkeypatch, tmp_path):
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(("update", figure))

    class Shell:
        kernel = object()

    class IPython:
        get_ipython = staticmethod(Shell)

        class display:
            @staticmethod
            def display(figure, display_id):
                shown.append(("display", figure))
                return Handle()

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setitem(sys.modules, "IPython.display", IPython.display)
    live = viz.LiveCurves(tmp_path / "curves.png")
    fit_with(live, epochs=3)
    assert [kind for kind, _ in shown] == ["display", "update", "update"]
    assert all(isinstance(figure, Figure) for _, figure in shown)
    assert not live.path.exists()


def test_a_notebook_shows_the_picture_without_pyplot():
    assert plots.learning_curves(HISTORY)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("every", [0, 1.5, True])
def test_recorders_refuse(every):
    with pytest.raises(ValueError, match="every to be an integer of at least 1"):
        viz.WeightPath(every)
    with pytest.raises(ValueError, match="every to be an integer of at least 1"):
        viz.GradientNorms([1.0], [1.0], every)


# matplotlib ---------------------------------------------------------------------------------------------------


def test_plots_leave_pyplot_alone():
    code = (
        "import sys; from tinygrad_lite.viz import plots; assert 'matplotlib' not in sys.modules; "
        "plots.learning_curves({'loss': [1.0]}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_lite\[viz\]'"):
        plots.learning_curves(HISTORY)
