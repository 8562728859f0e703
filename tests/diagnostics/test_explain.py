"""tape.explain: why a gradient is None or zero, one test for each reason that there is."""

import linecache

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim


def explained(compute, sources=None, **options):
    """What is said of the target and the source that `compute` returns, inside of a tape; both kinds of zero agree."""
    with tgl.GradientTape(persistent=True, **options) as tape:
        target, source = compute(tape)
    answer = tape.explain(target, source)
    gradient = tape.gradient(target, source)
    assert ("is None" in answer.text) == (gradient is None), answer
    assert ("all zeros" in answer.text) == (gradient is not None and not gradient.numpy().any()), answer
    return answer


def variable(*value, name="w"):
    return tgl.Variable(value[0] if len(value) == 1 else list(value), name=name)


# None ---------------------------------------------------------------------------------------------------------


def test_a_tensor_that_was_never_watched():
    x = tgl.constant(3.5)
    v = variable(1.0)
    answer = explained(lambda tape: (x * v, x))
    assert answer.reason == "never watched"
    assert "The gradient with respect to the source is None. It is a Tensor that this tape never watched." in str(
        answer
    )
    assert "tape.watch(x)" in answer.text


def test_untrainable_and_unwatched_variables():
    frozen = tgl.Variable(1.0, trainable=False, name="frozen")
    v = variable(2.0)
    answer = explained(lambda tape: (frozen * v, frozen))
    assert (answer.reason, "'frozen' is None. It has trainable=False" in answer.text) == ("never watched", True)

    def compute(tape):
        tape.watch(v)
        return frozen * v, w

    w = variable(1.0)
    answer = explained(compute, watch_accessed_variables=False)
    assert "watch_accessed_variables=False" in answer.text


def test_used_before_the_tape_opened():
    w, v = variable(2.0, 5.0), variable(3.0, 1.0)
    h = w * 2.0
    answer = explained(lambda tape: ((h * v).sum(), w))
    assert answer.reason == "used before the tape opened"
    assert "No operation read it while this tape recorded." in answer.text


def test_target_of_before():
    w = variable(2.0)
    with tgl.GradientTape():
        early = w * 2.0
    answer = explained(lambda tape: (early, w * 1.0 and w))
    assert answer.reason == "used before the tape opened"
    assert "The target was computed before this tape was opened, while another recorded" in answer.text
    late = w.value() * 3.0
    answer = explained(lambda tape: (late, w * 1.0 and w))
    assert "This tape did not record the target" in answer.text


@pytest.mark.parametrize(
    "leave",
    [
        lambda y: y.numpy() * np.float32(1.0),
        lambda y: np.array(y.numpy()),
        lambda y: y.tolist(),
    ],
)
def test_left_through_numpy(leave):
    w, v = variable(2.0, 5.0), variable(3.0, 1.0)
    answer = explained(lambda tape: ((v * leave(w * 1.5)).sum(), w))
    assert (answer.reason, answer.operation) == ("left the tape", "multiply")
    assert "The result of multiply left the tape through ." in answer.text


@pytest.mark.parametrize(("leave", "words"), [(float, "its value as"), (int, "its value, as an integer, as")])
def test_left_as_a_number(leave, words):
    w, v = variable(2.5), variable(3.0)
    answer = explained(lambda tape: (v * leave(w * 1.5), w))
    assert answer.reason == "left the tape"
    assert words in answer.text


def test_left_through_integers():
    w, v = variable(2.5), variable(3.0)
    answer = explained(lambda tape: (v * tgl.cast(tgl.cast(w * 2.0, "int32"), "float32"), w))
    assert (answer.reason, answer.operation) == ("integers", "cast")
    assert "conversion to integers" in answer.text


def test_overwritten_by_assign():
    w, v = variable(2.5), variable(3.0, name="v")

    def compute(tape):
        v.assign(w * 2.0)
        return v * 4.0, w

    answer = explained(compute)
    assert answer.reason == "overwritten by assign"
    assert "The result of multiply was assigned to the Variable 'v'" in answer.text


def test_stop_gradient():
    w, v = variable(2.5), variable(3.0)
    for compute in (
        lambda tape: (v * tgl.stop_gradient(w * 2.0), w),
        lambda tape: (tgl.stop_gradient(w * 2.0), w),
        lambda tape: (v * (tgl.stop_gradient(w * 2.0) + 1.0), w),
    ):
        answer = explained(compute)
        assert (answer.reason, answer.operation) == ("behind stop_gradient", "stop_gradient")
        assert "The target is only reached through stop_gradient." in answer.text
    assert explained(lambda tape: (v * w.value(), w)).reason == "connected"


def test_stop_recording():
    w, v = variable(2.5), variable(3.0)

    def compute(tape):
        y = w * 2.0
        with tape.stop_recording():
            scale = y * y
        return v * scale, w

    answer = explained(compute)
    assert answer.reason == "behind stop_recording"
    assert "tape.stop_recording()" in answer.text

    def inside_only(tape):
        with tape.stop_recording():
            scale = w * 2.0
        return v * scale, w

    assert "inside of tape.stop_recording()" in explained(inside_only).text


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (lambda y: y > 1.0, "greater"),
        (lambda y: tgl.cast(y > 1.0, "float32"), "greater"),
        (lambda y: tgl.cast(tgl.argmax(y), "float32") * 2.0 + 1.0, "argmax"),
        (lambda y: tgl.round(y), "round"),
        (lambda y: tgl.sign(y) * tgl.ones((3,)), "sign"),
    ],
)
def test_only_reached_through_what_has_no_gradient(end, name):
    w, v = variable(0.5, 2.5, 1.5), variable(3.0)
    answer = explained(lambda tape: (v * end(w * 2.0), w))
    assert (answer.reason, answer.operation) == ("not differentiable", name)
    assert f"The target is only reached through {name}, which has no gradient" in answer.text
    with tgl.GradientTape(persistent=True) as tape:
        y = end(w * 2.0)
    assert tape.explain(y, w).operation == name


def test_argument_without_a_gradient():
    w, v = variable(1.0, 0.0), variable(3.0)
    answer = explained(lambda tape: (tgl.where(w, v, 2.0), w))
    assert answer.reason in ("not differentiable", "no way")


def test_integers():
    w = tgl.Variable(3, name="n")
    v = variable(2.0)
    answer = explained(lambda tape: (v * 2.0, w))
    assert answer.reason == "integers"
    assert "'n' is None. Its dtype is int" in answer.text


def test_what_cannot_be_known_is_said():
    w, v = variable(2.5), variable(3.0)
    answer = explained(lambda tape: (v * (np.sin((w * 2.0).numpy())), w))
    assert answer.reason == "no way"
    assert "The tape cannot tell these apart." in answer.text
    assert explained(lambda tape: (v * 2.0, w * 1.0 and w)).reason == "no way"


# Zeros --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute", "name", "words"),
    [
        (lambda w: tgl.relu(w - 9.0), "relu", "all 2 inputs are at most 0, where its slope is 0 (a dead relu)"),
        (lambda w: tgl.relu(w - 1.5)[:1], "relu", "all inputs are at most 0 where a gradient arrives"),
        (lambda w: tgl.sigmoid(w + 200.0), "sigmoid", "it is saturated: for inputs from 201 to 202 its slope rounds"),
        (lambda w: tgl.tanh(w * -100.0), "tanh", "it is saturated: for inputs from -200 to -100"),
        (lambda w: tgl.clip(w, 5.0, 6.0), "clip", "all inputs, from 1 to 2, lie outside of its limits"),
        (lambda w: tgl.where(w > 0, 3.0, w), "where", "it chose its other argument everywhere"),
        (lambda w: tgl.maximum(w, 9.0), "maximum", "(an unselected branch)"),
        (lambda w: w * 0.0, "multiply", "it is multiplied by zeros"),
        (lambda w: (w - 1.5 * 0.0 - w) * 1.0 + w * 0.0, "multiply", "multiplied by zeros"),
    ],
)
def test_zero_derivatives(compute, name, words):
    w = variable(1.0, 2.0)
    answer = explained(lambda tape: (compute(w).sum() * 2.0, w))
    assert (answer.reason, answer.operation, answer.site) == ("zero derivative", name, None)
    assert f"The way ends at {name}: " in answer.text
    assert words in answer.text
    assert "For the line, compute inside of `with tgl.detect_anomalies():`." in answer.text


def test_ways_that_cancel():
    w = variable(1.0, 2.0)
    assert explained(lambda tape: (w - w, w)).reason == "cancels"


def test_a_gradient_that_is_there():
    w = variable(-1.0, 2.0)
    answer = explained(lambda tape: (tgl.relu(w), w))
    assert (answer.reason, str(answer)) == ("connected", "The gradient with respect to 'w' is there: 50% is not zero.")


# What is said of ways that no gradient takes, beside the one that it takes -------------------------------------


def test_a_part_that_left_the_tape():
    w = variable(2.5)
    answer = explained(lambda tape: (w * float(w), w))
    assert answer.reason == "connected"
    assert "there: 100% is not zero. The value of 'w' left the tape through float(), and multiply got" in answer.text
    answer = explained(lambda tape: (w * np.sin(float(w * 2.0)), w))
    assert "The result of multiply left the tape through float(): what was computed from that does" in answer.text
    answer = explained(lambda tape: (tgl.sum(w * w), w, print(float(w * 2.0)))[:2])
    assert answer.reason == "connected"


def test_a_part_behind_stop_gradient_or_a_comparison():
    w = variable(2.5)
    answer = explained(lambda tape: (w * tgl.stop_gradient(w) * tgl.cast(w > 1.0, "float32"), w))
    assert answer.reason == "connected"
    assert "On another way, stop_gradient lets no gradient through. On another way, greater lets no" in answer.text
    assert str(explained(lambda tape: (w * w.value(), w))).endswith("100% is not zero.")


@pytest.mark.parametrize("method", ["assign", "assign_add", "assign_sub"])
def test_a_reading_after_an_assignment(method):
    w, v = variable(2.5), variable(3.0, name="v")

    def compute(target, value):
        getattr(target, method)(value)
        return target * 3.0

    answer = explained(lambda tape: (compute(v, w * 2.0), w))
    assert (answer.reason, answer.operation) == ("overwritten by assign", method)
    assert f"The result of multiply was assigned to the Variable 'v' by {method}, with which" in answer.text
    answer = explained(lambda tape: (compute(w, w * 2.0), w))
    assert answer.reason == "connected"
    assert f"The result of multiply was assigned to the Variable 'w' by {method}, which lets no" in answer.text
    assert explained(lambda tape: (v.assign(w), w)).reason == "overwritten by assign"
    assert explained(lambda tape: (tgl.Variable(w * 2.0, name="u") * v, w)).reason == "overwritten by assign"
    assert explained(lambda tape: (compute(v, tgl.stop_gradient(w)), w)).reason == "behind stop_gradient"


def test_a_reading_after_another_assignment_has_nothing_of_it():
    w, v = variable(2.5), variable(3.0, name="v")

    def compute(tape):
        before = v * 1.0
        v.assign(w * 2.0)
        v.assign(1.5)
        return before + v, w

    assert explained(compute).reason == "no way"


@pytest.mark.parametrize(
    ("compute", "why"),
    [
        (lambda w: tgl.softmax(w).sum(), "softmax: what arrives there adds up to exactly zero for x"),
        (lambda w: tgl.softmax(w * 1e3)[0], "softmax: it is saturated: for inputs from 1000 to 2000"),
        (lambda w: w @ tgl.constant([[1.0, -1.0], [1.0, -1.0]]), "matmul: what arrives there adds up to exactly zero"),
        (lambda w: (w[[0, 0]] * tgl.constant([1.0, -1.0])).sum(), "getitem: what arrives there adds up to exactly"),
        (lambda w: tgl.tanh(w * tgl.constant([0.1, 1e3]))[1], "for inputs where a gradient arrives, from 2000 to 2000"),
        (lambda w: tgl.concatenate([w, tgl.ones(2)])[2:], "concatenate: nothing arrives at the part of its result"),
        (lambda w: w * 1e-30 * 1e-30, "multiply: what arrives there is so small that its product with the slope"),
        (lambda w: tgl.relu(w - 9.0) + (w - w), "(a dead relu). On other ways its parts add up to exactly zero."),
    ],
)
def test_what_is_said_of_slopes_is_true(compute, why):
    w = variable(1.0, 2.0)
    assert why in explained(lambda tape: (compute(w), w)).text


# Lines, tapes, and who points here ----------------------------------------------------------------------------


def test_lines_of_what_was_observed():
    model = nn.Sequential([nn.Dense(4, "relu", kernel_initializer="zeros", name="dead"), nn.Dense(1)])
    x = tgl.ones((3, 2))
    with tgl.detect_anomalies(), tgl.GradientTape(persistent=True) as tape:
        y = model(x)
        z = tgl.relu(y - 1.0)
    answer = tape.explain(z, model.layers[0].kernel)
    assert answer.operation == "relu"
    assert linecache.getline(answer.site.filename, answer.site.line).strip() == "z = tgl.relu(y - 1.0)"
    assert f"The line is {__file__}:{answer.site.line}: z = tgl.relu(y - 1.0)" in answer.text
    answer = tape.explain(y, model.layers[0].kernel)
    assert answer.site.layers == ("sequential", "dead")
    assert "The way ends at relu in the layer sequential/dead" in answer.text


def test_what_was_not_observed_has_a_layer_and_the_way_to_its_line():
    model = nn.Sequential([nn.Dense(4, "relu", kernel_initializer="zeros", name="dead"), nn.Dense(1)])
    with tgl.GradientTape(persistent=True) as tape:
        y = model(tgl.ones((3, 2)))
        z = tgl.cast(y > 0, "float32")
    answer = tape.explain(y, model.layers[0].kernel)
    assert answer.site is None
    assert "The way ends at relu in the layer sequential/dead: all 12 inputs" in answer.text
    for target in (y, z):
        assert tape.explain(target, model.layers[0].kernel).text.endswith("inside of `with tgl.detect_anomalies():`.")


def test_a_tape_that_let_go_of_its_record():
    w, v = variable(2.5), variable(3.0)
    with tgl.GradientTape() as tape:
        y = tgl.relu(w - 9.0) * v
    tape.gradient(y, w)
    assert tape.explain(y, w).reason == "released"
    assert tape.explain(y, tgl.constant(1.0)).reason == "never watched"  # which needs no record


def test_explaining_changes_nothing():
    w = variable(2.0)
    with tgl.GradientTape() as tape:
        y = w * w
    for _ in range(2):
        assert tape.explain(y, w).reason == "connected"
    assert tape.gradient(y, w).item() == 4.0


def test_mistakes():
    w = variable(2.0)
    tape = tgl.GradientTape()
    with pytest.raises(RuntimeError, match="never entered"):
        tape.explain(w, w)
    with pytest.raises(TypeError, match=r"tape\.explain expected a Tensor as target"), tape:
        tape.explain(3.0, w)


def test_apply_gradients_points_here():
    w = variable(2.0, name="kernel")
    with pytest.raises(ValueError, match=r"None for 'kernel'.*tape\.explain\(loss, variable\)"):
        optim.SGD(0.1).apply_gradients([(None, w)])
