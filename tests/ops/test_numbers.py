"""Python's numbers that meet float64 keep all their digits: in arguments, in lists, in gradient rules, recorded or not.

Python's floats become float32 where they meet no other floats. What must not happen is that they do so on the way to
float64: its results would be off by 1e-8, in silence. Each call is made with an array and with Python's numbers in its
place; both must give the same.
"""

import numpy as np
import pytest
from primitive_cases import CASES, OTHERS

import tinygrad_lite as tgl
from tinygrad_lite import linalg, nn, ops
from tinygrad_lite.core.primitive import REGISTRY
from tinygrad_lite.core.structure import flatten
from tinygrad_lite.testing import check_primitive, primitives

# Helpers that are never called with numbers; and meshgrid, whose arguments do not meet.
LEFT_OUT = {"_index_set", "_index_add", "_zero_guard", "meshgrid"}


def _slopes(f, x, way):
    """The floating results of f(x), and their gradient."""

    def values(x):
        with tgl.GradientTape() as tape:
            tape.watch(x)
            results = [y for y in flatten(f(x)) if y.dtype.kind == "f"]
        slope = tape.gradient(results, x)
        return [*results, *([] if slope is None else [slope])]

    def recorded(x):
        with tgl.GradientTape() as outer:
            outer.watch(x)
            return values(x)

    function = {"eager": values, "recorded": recorded, "compiled": tgl.function(values)}[way]
    function(x)
    return function(x)


def _require_equal(f, exact, weak, x, what):
    with np.errstate(all="ignore"):
        try:
            wanted = _slopes(lambda x: f(x, exact), x, "eager")
        except (ValueError, TypeError, NotImplementedError, np.linalg.LinAlgError):
            return  # it is not called so
        scale = max((np.nanmax(np.abs(np.where(np.isfinite(y), y, 0)), initial=0) for y in wanted), default=0)
        for way in ("eager", "recorded", "compiled"):
            found = _slopes(lambda x: f(x, weak), x, way)
            assert len(found) == len(wanted), f"{what}, {way}"
            for one, other in zip(wanted, found):
                assert one.dtype == other.dtype, f"{what}, {way}"
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13 * scale, err_msg=f"{what}, {way}")


def _compare(battery, arguments, metadata):
    """For each pair of floating arguments: the gradient of one, with the other as an array and as Python's numbers."""
    arrays = [isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.float64 for x in arguments]
    points = [x * (1 + 1e-9) if is_array else x for x, is_array in zip(arguments, arrays)]  # no number of float32

    for n in (n for n, is_array in enumerate(arrays) if is_array):
        for m in (m for m, is_array in enumerate(arrays) if is_array and m != n and points[m].size):

            def f(x, other, n=n, m=m):
                given = [x if k == n else other if k == m else y for k, y in enumerate(points)]
                return battery.f(*given, **metadata)

            _require_equal(f, points[m], points[m].tolist(), tgl.constant(points[n]), f"{battery.name}, argument {m}")


@pytest.mark.parametrize(
    "name",
    [name for name in (*CASES, *OTHERS) if name not in LEFT_OUT and not (name in CASES and REGISTRY[name].is_random)],
)
def test_arguments(name, monkeypatch):
    monkeypatch.setattr(primitives.Battery, "run", _compare)
    monkeypatch.setattr(primitives.Battery, "judge_kinks", lambda self: None)
    for keywords in CASES.get(name) or OTHERS[name]:
        operation = REGISTRY[name] if name in CASES else getattr(ops, name)
        check_primitive(operation, **{**keywords, "max_examples": min(2, keywords.get("max_examples", 2))})


LIST = [0.1, 0.2, 0.7]
MASK = np.array([True, False, True])
CALLS = {
    "a power of a number": lambda x, v: v[0] ** x,
    "a number divided": lambda x, v: v[0] / x,
    "a number and a power": lambda x, v: tgl.power(v[1], x) * tgl.exp(x * v[0]),
    "append": lambda x, v: tgl.append(x, v),
    "append to a list": lambda x, v: tgl.append(v, x),
    "average": lambda x, v: tgl.average(x, weights=v),
    "average of a list": lambda x, v: tgl.average(v, weights=x),
    "clip": lambda x, v: tgl.clip(x, v[0], v[2]),
    "clip of a list": lambda x, v: tgl.clip(v, x, 2.0),
    "concatenate": lambda x, v: tgl.concatenate([v, x]),
    "diff": lambda x, v: tgl.diff(x, prepend=v[0], append=v),
    "diff of a list": lambda x, v: tgl.diff(v, prepend=x),
    "ediff1d": lambda x, v: tgl.ediff1d(x, to_begin=v[0], to_end=v),
    "ediff1d of a list": lambda x, v: tgl.ediff1d(v, to_begin=x),
    "full_like": lambda x, v: tgl.full_like(x, v[0]) * x,
    "gradient": lambda x, v: tgl.gradient(x, v),
    "gradient of a list": lambda x, v: tgl.gradient(v, x),
    "index_add to a list": lambda x, v: tgl.index_add(v, slice(0, 2), x[1:]),
    "index_set": lambda x, v: tgl.index_set(x, 0, v[0]),
    "index_set in a list": lambda x, v: tgl.index_set(v, slice(0, 2), x[1:]),
    "initial": lambda x, v: tgl.sum(x, initial=v[0]) + tgl.max(x - 9, initial=v[1]) + tgl.prod(x, initial=v[2]),
    "leaky_relu": lambda x, v: tgl.leaky_relu(-x, negative_slope=v[0]),
    "linspace": lambda x, v: tgl.linspace(v, x, 3),
    "losses of lists": lambda x, v: [f(v, x) for f in (nn.losses.huber, nn.losses.mean_squared_error)],
    "losses of lists as predictions": lambda x, v: nn.losses.mean_squared_error(x, v),
    "huber": lambda x, v: nn.losses.huber(x * 0, x, delta=v[0]),
    "label_smoothing": lambda x, v: nn.losses.categorical_crossentropy(
        np.eye(3)[:1], tgl.reshape(x / tgl.sum(x), (1, 3)), label_smoothing=v[0]
    ),
    "lstsq": lambda x, v: linalg.lstsq([[0.1, 0.2], [0.3, 0.7]], x[:2]).x * v[0],
    "nan_to_num": lambda x, v: tgl.nan_to_num(x * np.array([np.nan, 1, 1]), nan=v[0]),
    "pad": lambda x, v: tgl.pad(x, 1, constant_values=v[0]),
    "products": lambda x, v: [f(v, x) for f in (tgl.outer, tgl.dot, tgl.inner, tgl.kron, tgl.cross, tgl.vdot)],
    "select": lambda x, v: tgl.select([MASK, ~MASK], [v[0], x], v[1]),
    "solve": lambda x, v: linalg.solve([[0.1, 0.2], [0.3, 0.7]], x[:2]) * v[0],
    "stack": lambda x, v: tgl.stack([v, x]),
    "trapezoid": lambda x, v: tgl.trapezoid(x, v),
    "trapezoid of a list": lambda x, v: tgl.trapezoid(v, x),
    "trapezoid with a distance": lambda x, v: tgl.trapezoid(v, dx=x[0]),
    "where": lambda x, v: tgl.where(MASK, v, x) + tgl.where(MASK, x, v[0]),
    "NumPy's functions": lambda x, v: np.add(v, x) + np.maximum(v[1], x) + np.where(MASK, v, x),
}


@pytest.mark.parametrize("name", CALLS)
def test_lists_and_options(name):
    _require_equal(CALLS[name], np.array(LIST), LIST, tgl.constant(np.array([0.3, 0.7, 1.9])), name)


def test_where_of_numbers_takes_the_default():
    assert tgl.where(MASK, 1.0, 0.1).dtype == np.float32
    assert tgl.where(MASK, 1, 0.1).dtype == np.float32
    assert tgl.where(True, 1, 2).dtype.kind == "i"
    assert tgl.where(True, tgl.constant(np.float64(0.1)), 0.1).dtype == np.float64
    assert tgl.where(False, np.float64(0.1), 0.1).item() == 0.1
