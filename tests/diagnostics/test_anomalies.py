"""detect_anomalies: the first NaN or infinity is found where it is made, and told apart from one that came in."""

import inspect
import linecache
import threading

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.core.record import recording_tapes
from tinygrad_lite.diagnostics import AnomalyError, observing

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
Y = X[:, :1]


def found(function, *args):
    with tgl.detect_anomalies(), pytest.raises(AnomalyError) as caught:
        function(*args)
    return caught.value


def source_of(error):
    """The line of this file that the error names."""
    assert error.filename == __file__
    return linecache.getline(error.filename, error.line).strip()


# Forward ------------------------------------------------------------------------------------------------------


def test_forward():
    x = tgl.Variable([1.0, 0.0, 2.0])

    def compute():
        y = x * 2.0
        z = tgl.log(y)
        return z + 1.0

    error = found(compute)
    assert source_of(error) == "z = tgl.log(y)"
    assert (error.operation, error.layers, error.is_backward) == ("log", (), False)
    assert str(error).splitlines() == [
        "log expected to give finite numbers. Received: -inf, in 1 of 3 elements, the first at [1], made of finite "
        "ones:",
        "    x: shape=(3,), dtype=float32, [2., 0., 4.]; there it is 0",
        f"    called at {__file__}:{error.line}: z = tgl.log(y)",
        f"Domain: {tgl.log.domain} Keep the arguments inside of it, for example with tgl.clip or tgl.maximum.",
    ]


OVERFLOW = tgl.constant(np.full((20, 20), 1e30, "float32"))


@pytest.mark.parametrize(
    ("compute", "operation", "words"),
    [
        (lambda: np.exp(tgl.constant(100.0)), "exp", "too large for float32: at most 3.4e+38"),
        (lambda: OVERFLOW @ OVERFLOW, "matmul", "x1: shape=(20, 20), dtype=float32, from 1e+30 to 1e+30"),
        (lambda: tgl.constant([0.0, 1.0]) / tgl.constant([0.0, 2.0]), "divide", "nan, in 1 of 2 elements"),
        (lambda: tgl.constant(2.0) ** tgl.constant(1e4), "power", "Received: inf, made of"),
        (lambda: tgl.linalg.inv(tgl.constant(np.full((2, 2), 1e-45))), None, "finite"),
    ],
)
def test_operations(compute, operation, words):
    try:
        error = found(compute)
    except np.linalg.LinAlgError:  # which says it itself
        return
    assert error.operation == operation or operation is None
    assert words in str(error)


def test_what_is_finite_passes_and_bits_stay():
    x = tgl.Variable(X)

    def compute():
        with tgl.GradientTape() as tape:
            y = tgl.tanh(x @ tgl.ones((3, 4))).mean() + tgl.where(x > 0, tgl.sqrt(tgl.abs(x)), 0.0).sum()
        return tape.gradient(y, x).numpy()

    plain = compute()
    with tgl.detect_anomalies():
        watched = compute()
    np.testing.assert_array_equal(plain, watched)


def test_infinities_that_an_operation_takes_away_pass():
    with tgl.detect_anomalies():
        assert tgl.minimum(tgl.constant([np.inf, 1.0]), 2.0).numpy().tolist() == [2.0, 1.0]
        assert tgl.isnan(tgl.constant([np.nan])).numpy().tolist() == [True]


@pytest.mark.parametrize(("value", "what"), [("constant", "a constant or data"), ("Variable", "the Variable 'w'")])
def test_wrong_arguments_are_told_apart(value, what):
    bad = tgl.constant([[1.0, np.nan]]) if value == "constant" else tgl.Variable([[1.0, np.nan]], name="w")
    error = found(lambda: bad * 2.0)
    assert (
        f"multiply expected finite numbers. Received: x1, {what}, with nan, in 1 of 2 elements, the first at [0, 1]"
        in (str(error))
    )
    assert "No operation inside of detect_anomalies() made it" in str(error)


def test_layer_is_named():
    model = nn.Sequential([nn.Dense(4, "relu"), nn.Dense(1, activation=lambda x: tgl.log(x - 100.0), name="head")])
    error = found(model, X)
    assert error.layers == ("sequential", "head")
    assert "in the layer sequential/head" in str(error)
    assert source_of(error).startswith("model = nn.Sequential")


# Backward -----------------------------------------------------------------------------------------------------


def test_backward_names_the_forward_line():
    x = tgl.Variable([1.0, 0.0])
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            root = tgl.sqrt(x)
            y = root * 3.0
        with pytest.raises(AnomalyError) as caught:
            tape.gradient(y, x)
    error = caught.value
    assert error.is_backward
    assert source_of(error) == "root = tgl.sqrt(x)"
    lines = str(error).splitlines()
    assert lines[0].startswith("The gradient of sqrt for x expected finite numbers. Received: inf, in 1 of 2 elements")
    assert lines[1].strip() == "g (the gradient of its result): shape=(2,), dtype=float32, [3., 3.]; there it is 3"
    assert lines[2].strip() == "x: shape=(2,), dtype=float32, [1., 0.]; there it is 0"


def test_the_zero_rule_makes_no_anomaly():
    x = tgl.Variable([4.0, 0.0])
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            y = tgl.where(x > 0, tgl.sqrt(x), 0.0)
        assert tape.gradient(y, x).numpy().tolist() == [0.25, 0.0]


def test_jacobian():
    x = tgl.Variable([1.0, 0.0])
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            y = tgl.sqrt(x)
        with pytest.raises(AnomalyError, match="The gradient of sqrt for x"):
            tape.jacobian(y, x)


def test_joint_rule():
    @tgl.custom_gradient
    def broken(x):
        return x * 1.0, lambda g: g * np.nan

    x = tgl.Variable([1.0])
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            y = broken(x)
        with pytest.raises(AnomalyError, match="The gradient of broken for argument 0") as caught:
            tape.gradient(y, x)
    assert source_of(caught.value) == "y = broken(x)"


def test_gradients_that_are_too_large_together():
    x = tgl.Variable(1.0)
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            y = x * 2e38 + (x - 1.0) * 2e38
        with pytest.raises(AnomalyError, match="the sum of several finite gradients is too large"):
            tape.gradient(y, x)


def test_gradients_that_are_too_large_together_on_the_way():
    x = tgl.Variable(1.0)
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            between = tgl.sin(x)
            y = between * 2e38 + (between - 1.0) * 2e38
        with pytest.raises(AnomalyError, match="the sum of several finite gradients is too large") as caught:
            tape.gradient(y, x)
    assert source_of(caught.value) == "between = tgl.sin(x)"


def test_output_gradients():
    x = tgl.Variable(1.0)
    with tgl.detect_anomalies():
        with tgl.GradientTape() as tape:
            y = x * 2.0
        with pytest.raises(AnomalyError, match="output_gradients contains it"):
            tape.gradient(y, x, output_gradients=tgl.constant(np.nan, "float32"))


def test_second_order():
    x = tgl.Variable(0.0)
    with tgl.detect_anomalies(), tgl.GradientTape() as outer:
        with tgl.GradientTape() as inner:
            y = x**1.5
        slope = inner.gradient(y, x)
        with pytest.raises(AnomalyError) as caught:
            outer.gradient(slope, x)
    assert caught.value.is_backward
    assert source_of(caught.value) in ("y = x**1.5", "slope = inner.gradient(y, x)")


def test_recorded_before_the_context():
    x = tgl.Variable(0.0)
    with tgl.GradientTape() as tape:
        y = tgl.sqrt(x)
    with tgl.detect_anomalies(), pytest.raises(AnomalyError, match=r"called before detect_anomalies\(\) was opened"):
        tape.gradient(y, x)


# Where it works -----------------------------------------------------------------------------------------------


def test_fit():
    ones = {"kernel_initializer": "ones"}
    model = nn.Sequential([nn.Dense(4, name="hidden", **ones), nn.Dense(1, name="out", **ones)])
    model.compile(optim.SGD(1e30), "mse")
    error = found(lambda: model.fit(X, Y, batch_size=2, shuffle=False, verbose=0))
    assert (error.operation, error.layers) == ("dense", ("sequential", "out"))
    assert "model.fit(X, Y" in source_of(error)
    assert not np.isnan(model.get_weights()[0]).any()


def test_functions_run_eagerly():
    @tgl.function
    def compute(x):
        return tgl.log(x - 1.0)

    for _ in range(2):
        compute(tgl.constant([3.0]))
    error = found(compute, tgl.constant([0.0]))
    assert source_of(error) == "return tgl.log(x - 1.0)"
    assert compute.traces == 1


def test_not_inside_of_a_function():
    @tgl.function
    def compute(x):
        with tgl.detect_anomalies():
            return x * 2.0

    with pytest.raises(TypeError, match="Open the context around the call of the function"):
        compute(tgl.constant(1.0))


def test_numpy_does_not_warn_first():
    error = found(lambda: tgl.log(tgl.constant(0.0)))
    assert error.operation == "log"


def test_contexts_nest_and_unwind():
    x = tgl.constant(0.0)
    with tgl.GradientTape() as tape:
        with tgl.detect_anomalies():
            with tgl.detect_anomalies():
                pass
            with pytest.raises(AnomalyError):
                tgl.log(x)
        assert recording_tapes() == (tape,)
    with pytest.raises(AnomalyError), tgl.detect_anomalies():
        tgl.log(x)
    assert recording_tapes() == ()
    with np.errstate(all="ignore"):
        assert np.isneginf(tgl.log(x).item())


def test_other_threads_are_left_alone():
    answers = []

    def compute():
        with np.errstate(all="ignore"):
            answers.append(tgl.log(tgl.constant(0.0)).item())

    with tgl.detect_anomalies():
        thread = threading.Thread(target=compute)
        thread.start()
        thread.join()
    assert answers == [-np.inf]


def test_lines_are_forgotten_in_time(monkeypatch):
    monkeypatch.setattr(observing, "MOST_SITES", 10)
    monkeypatch.setattr(observing, "_sites", {})
    x = tgl.constant(1.0)
    with tgl.detect_anomalies():
        for _ in range(100):
            x = x * 1.0
    assert len(observing._sites) <= 10
    assert observing.site_of(x._id).line == inspect.getsourcelines(test_lines_are_forgotten_in_time)[1] + 6
