"""Everything that NumPy's indexing allows: read, set and added to, with gradients; and what it does not allow."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.testing import check_gradients

X = np.arange(24.0).reshape(2, 3, 4) - 7
MASK = X[:, :, 0] % 8 == 1
ALL = slice(None)


def t(value):
    return tgl.constant(value)


# An index with Tensors in it, and the same one for NumPy, where it is another.
INDICES = {
    "an integer": 1,
    "a negative one": -1,
    "NumPy's integer": np.int64(1),
    "a tensor": (t(1), 1),
    "a 0-d array": np.array(1),
    "a new axis": (None, ALL, None),
    "an ellipsis between": (1, ..., None, 2),
    "nothing": (),
    "slices": (slice(None, None, -1), slice(0, 3, 2)),
    "tensors as bounds": ((ALL, slice(t(2), None, t(-1))), (ALL, slice(2, None, -1))),
    "a list": [0, 1, 1],
    "a nested list": [[0, 1], [1, 1]],
    "a list of tensors": ([t(1), t(0)], [1, 0]),
    "a range": (range(2), [0, 1]),
    "no numbers": [],
    "arrays that broadcast": ((t([[0], [1]]), t([1, 2])), (np.array([[0], [1]]), np.array([1, 2]))),
    "arrays apart": ([0, 1], ALL, [1, 2]),
    "bytes": np.array([0, 1], np.uint8),
    "booleans": [True, False],
    "true": True,
    "false": np.False_,
    "a mask": (t(MASK), MASK),
    "a mask of an axis": ((ALL, t(MASK[0])), (ALL, MASK[0])),
    "a mask of all": (t(X > 2), X > 2),
    "a mask and integers": ((t(MASK[:, 0]), [1]), (MASK[:, 0], [1])),
}
SAME = {"a new axis", "an ellipsis between", "nothing", "slices", "arrays apart"}


@pytest.mark.parametrize("name", INDICES)
def test_an_index(name):
    ours, numpys = INDICES[name] if isinstance(INDICES[name], tuple) and name not in SAME else (INDICES[name],) * 2
    expected = X[numpys]
    np.testing.assert_array_equal(t(X)[ours].numpy(), expected)
    check_gradients(lambda x: x[ours], X, directions=1)

    values = np.random.default_rng(0).normal(size=expected.shape)
    written, added = X.copy(), X.copy()
    written[numpys] = values
    np.add.at(added, numpys, values)
    np.testing.assert_array_equal(tgl.index_set(X, ours, values).numpy(), written)
    np.testing.assert_allclose(tgl.index_add(X, ours, values).numpy(), added)
    check_gradients(lambda x, v: tgl.index_set(x, ours, v), X, values, directions=1)
    check_gradients(lambda x, v: tgl.index_add(x, ours, v), X, values, directions=1)


def test_an_error_shows_the_index_as_it_is_written():
    index = (slice(None), slice(0, None, 2), t(np.zeros((1, 3, 2), int)), [7], ...)
    with pytest.raises(IndexError) as caught:
        t(X)[index]
    shown = "x.shape=(2, 3, 4), index=[:, 0::2, <int64 array of shape (1, 3, 2)>, [7], ...]"
    assert str(caught.value).endswith(f"Received: {shown}.")
    with pytest.raises(IndexError, match=r"index=\[None, 5\], value\.shape=\(3,\)\.$"):
        tgl.index_add(X, (None, 5), np.zeros(3))


@pytest.mark.parametrize(
    ("index", "kind"),
    [(1.5, IndexError), (t(1.0), IndexError), ("a", IndexError), (2, IndexError), ((0, 0, 0, 0), IndexError),
     ([1.0], IndexError), (slice(0, 2.5), TypeError), (np.ones(5, bool), IndexError)],
)  # fmt: skip
def test_what_is_no_index(index, kind):
    with pytest.raises(kind, match="Received"):
        t(X)[index]
    with pytest.raises(kind, match="Received"):
        tgl.index_set(X, index, 0.0)
