"""The source of a compiled function is made of names that users chose: any of them, and none becomes code."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler import numpy_printer
from tinygrad_lite.compiler.trace import _SHAPED_BY_VALUES

# Python normalises identifiers (𝐱 is x, the micro sign is mu) and knows digits and letters that are in none (² ͺ).
ODD = [
    "µ", "𝐱", "ﬁ", "ｉｆ", "x²", "²", "ͺ", "٣", "e\u0301", "", "a b", "if", "np", "ops", "assign", "slice", "b0",
    "buffers", "a\nb", "\0",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_variables_and_functions_of_any_name(name):
    first, second = (tgl.Variable([1.0, 2.0, 3.0], name=name) for _ in range(2))

    def f(x):
        return (x * first)[0:2] + second[::2] * 2.0

    f.__name__ = name
    compiled, x = tgl.function(f), tgl.constant([1.0, 2.0, 4.0])
    for _ in range(2):
        np.testing.assert_array_equal(compiled(x).numpy(), f(x).numpy())


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0c", "\u2028", "\0", "\ud800"])
def test_a_name_in_a_comment_stays_in_it(end):
    """A model of a stranger's must not run code by what its layers are called."""
    model = nn.Sequential([nn.Dense(2), nn.Dense(2)])
    vars(model.layers[0])["name"] = vars(model)["name"] = f"a{end}    raise SystemExit  {end}#"  # past the check

    class Step(optim.SGD):
        def __init__(self):
            super().__init__(0.1)

    Step.__doc__ = f"Gradient descent.\n\n`w -= g`{end}    raise SystemExit{end}\n\nAnd more."
    optimizer = Step()

    @tgl.function
    def step(x):
        with tgl.GradientTape() as tape:
            loss = model(x).sum()
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))

    for _ in range(3):
        step(np.ones((2, 3), np.float32))
    assert "raise SystemExit" in step.source()
    assert not any(line.lstrip().startswith("raise") for line in step.source().splitlines())


def test_layers_have_names_that_can_be_printed():
    for name in ("a\nb", "a\0", "\ud800", "a\u2028b"):
        with pytest.raises(ValueError, match="expected a name that is a printable string"):
            nn.Dense(2, name=name)
    assert nn.Dense(2, name="слой ☃").name == "слой ☃"


def test_a_ufunc_that_is_not_among_numpys():
    """As those of scipy.special are not; this one is NumPy's own, but no function of `np`."""
    determinant = tgl.nondifferentiable(np.linalg._umath_linalg.det)
    assert not hasattr(np, "det")
    compiled, x = tgl.function(lambda x: determinant(x) + 1), tgl.constant([[2.0, 0.0], [0.0, 3.0]])
    for _ in range(2):
        assert compiled(x).item() == 7.0


def twice(x):
    """A computation that no primitive of the package does."""
    return x + x[:1] * 3.0


PACKAGES = [*numpy_printer._WITH_OUT, *numpy_printer._PLAIN, "_getitem", *_SHAPED_BY_VALUES, "identity", "sin"]


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("is_elementwise", [False, True])
def test_a_primitive_that_is_called_as_one_of_the_packages(name, is_elementwise):
    """What a program computes does not depend on what a user's primitive is called."""

    def forward(x):
        return x * x + 3.0 if is_elementwise else twice(x)

    forward.__name__ = name
    made = (tgl.elementwise if is_elementwise else tgl.primitive)(forward)
    x = tgl.constant(np.arange(6.0).reshape(2, 3))
    compiled = tgl.function(lambda x: tgl.sum(made(x * 2.0) * 0.5))
    for _ in range(2):
        assert compiled(x).item() == (forward(x.numpy() * 2.0) * 0.5).sum()


@pytest.mark.parametrize("name", ["matmul", "_product_of_rows", "assign_add", "assign_sub", "_getitem"])
def test_a_primitive_of_two_arguments_that_is_called_as_one_of_the_packages(name):
    def forward(x, y):
        return x @ y * 2.0

    forward.__name__ = name
    made, x = tgl.primitive(forward), tgl.constant(np.arange(9.0).reshape(3, 3))
    compiled, v = tgl.function(lambda x: tgl.sum(made(x, x))), tgl.Variable(np.zeros((3, 3)))
    for _ in range(2):
        assert compiled(x).item() == (x.numpy() @ x.numpy() * 2).sum()
    assigning = tgl.function(lambda x: v.assign(made(v + 1.0, x)))
    for _ in range(3):
        expected = (v.numpy() + 1) @ x.numpy() * 2
        assigning(x)
        np.testing.assert_array_equal(v.numpy(), expected)
