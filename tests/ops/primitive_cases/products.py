"""Products: of matrices, and Einstein sums."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_lite.testing import strategies


@st.composite
def _products(draw):
    """Shapes that fit a matrix product: vectors, matrices, stacks of them that broadcast."""
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    stacks = draw(strategies.broadcastable_shapes(2, max_dims=2, max_side=2))
    left = draw(st.sampled_from([(k,), (n, k), (*stacks[0], n, k)]))
    right = draw(st.sampled_from([(k,), (k, m), (*stacks[1], k, m)]))
    return left, right


@st.composite
def _exchangeable(draw):
    """Equations as the primitive takes them: no index twice in a term, none that is summed in one term alone."""
    equation, shapes = draw(
        strategies.einsum_equations(allow_repeats=False, allow_ellipsis=False, allow_implicit=False)
    )
    inputs, output = equation.split("->")
    terms = inputs.split(",")
    for n, term in enumerate(terms):
        elsewhere = output + "".join(terms[:n] + terms[n + 1 :])
        keep = [axis for axis, index in enumerate(term) if index in elsewhere]
        terms[n] = "".join(term[axis] for axis in keep)
        shapes = (*shapes[:n], tuple(shapes[n][axis] for axis in keep), *shapes[n + 1 :])
    operands = tuple(draw(strategies.arrays(shape)) for shape in shapes)
    return operands, {"subscripts": f"{','.join(terms)}->{output}", "optimize": draw(st.booleans())}


CASES = {
    "matmul": {"shapes": _products()},
    "_product_of_rows": {
        "shapes": st.tuples(st.integers(1, 3), st.integers(1, 3)).map(lambda n: ((1, n[0]), (1, n[1]))),
        "reference": lambda a, b: a.T * b,
    },
    "_einsum": {
        "cases": _exchangeable(),
        "reference": lambda *operands, subscripts, optimize: np.einsum(subscripts, *operands),
    },
}
