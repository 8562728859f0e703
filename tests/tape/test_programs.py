"""Random programs: whatever is asked of a tape, the answer is the derivative by a complex step."""

import numpy as np
import pytest
import random_tapes
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lite as tgl

OPERATIONS = {
    "add": (lambda xp, a, b: a + b, 2),
    "multiply": (lambda xp, a, b: a * b * 0.7, 2),
    "subtract": (lambda xp, a, b: a - b, 2),
    "sin": (lambda xp, a: xp.sin(a), 1),
    "exp": (lambda xp, a: xp.exp(0.3 * a), 1),
    "same": (lambda xp, a: a * 1.0, 1),
}
LEAVES = (0.5, -1.2, 0.8)
STEP = 1e-30


@st.composite
def programs(draw):
    """A list of (operation, positions of its arguments); position n < 3 is a leaf, the others results."""
    lines = []
    for n in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        arguments = [draw(st.integers(0, len(LEAVES) + n - 1)) for _ in range(OPERATIONS[name][1])]
        lines.append((name, arguments))
    return lines


def run(xp, lines, leaves, override=None):
    """All values, leaves first; what `override` says about a position is added to the value there."""
    values = []
    for value in leaves:
        values.append(value + override[1] if override and override[0] == len(values) else value)
    for name, arguments in lines:
        value = OPERATIONS[name][0](xp, *(values[n] for n in arguments))
        values.append(value + override[1] if override and override[0] == len(values) else value)
    return values


def derivative(lines, targets, source):
    """Of the sum of the targets, with respect to the value at a position."""
    values = run(np, lines, [np.complex128(x) for x in LEAVES], (source, STEP * 1j))
    return sum(values[n].imag for n in targets) / STEP


@given(st.data(), programs())
def test_gradients_of_any_targets_by_any_sources(data, lines):
    position = st.integers(0, len(LEAVES) + len(lines) - 1)
    targets = data.draw(st.lists(position, min_size=1, max_size=3))
    sources = data.draw(st.lists(position, min_size=1, max_size=4))
    persistent, recorded = data.draw(st.booleans()), data.draw(st.booleans())
    variables = [tgl.Variable(x, dtype="float64") for x in LEAVES]
    outer = tgl.GradientTape()
    with outer:
        with tgl.GradientTape(persistent=persistent) as tape:
            tape.watch(variables)
            values = run(tgl, lines, variables)
        if not recorded:
            outer.reset()
            outer.__exit__(None, None, None)
        ask = [values[n] for n in targets], [values[n] for n in sources]
        gradients = tape.gradient(*ask, unconnected_gradients="zero")
        if persistent:
            again = tape.gradient(*ask, unconnected_gradients="zero")
            assert [g.item() for g in again] == [g.item() for g in gradients]
    expected = [derivative(lines, targets, n) for n in sources]
    np.testing.assert_allclose([g.item() for g in gradients], expected, rtol=1e-12, atol=1e-12)


@given(programs())
def test_second_derivatives_by_nesting_and_by_a_tape_that_comes_later(lines):
    def first(tape, variables, values):
        return tape.gradient(values[-1], variables, unconnected_gradients="zero")

    def hessian(later):
        variables = [tgl.Variable(x, dtype="float64") for x in LEAVES]
        inner, outer = tgl.GradientTape(), tgl.GradientTape(persistent=True)
        if later:
            with inner:
                values = run(tgl, lines, variables)
            with outer:
                outer.watch(variables)
                gradients = first(inner, variables, values)
        else:
            with outer:
                with inner:
                    values = run(tgl, lines, variables)
                gradients = first(inner, variables, values)
        rows = [outer.gradient(g, variables, unconnected_gradients="zero") for g in gradients]
        return np.array([[g.item() for g in row] for row in rows])

    nested = hessian(later=False)
    np.testing.assert_allclose(nested, nested.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(hessian(later=True), nested, rtol=1e-12, atol=1e-12)
    h = 1e-5

    def gradient_at(n, shift):
        leaves = [x + shift * (m == n) for m, x in enumerate(LEAVES)]
        step = [np.complex128(x) for x in leaves]
        return np.array([run(np, lines, step, (m, STEP * 1j))[-1].imag / STEP for m in range(len(LEAVES))])

    differences = [(gradient_at(n, h) - gradient_at(n, -h)) / (2 * h) for n in range(len(LEAVES))]
    np.testing.assert_allclose(nested, differences, rtol=1e-5, atol=1e-6 * (1 + np.abs(nested).max()))


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_tapes_in_any_order_answer_what_the_reference_does(start):
    assert sum(random_tapes.check(seed) for seed in range(start, start + 100)) > 50
