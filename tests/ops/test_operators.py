"""What Python's syntax, ndarray's methods and NumPy's functions do with a Tensor, recorded or not."""

import inspect
import itertools
import math
import operator
import re

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.primitive import Primitive
from tinygrad_lite.ops import operators
from tinygrad_lite.testing import check_gradients

# Names --------------------------------------------------------------------------------------------------------

NUMPYS = """
    add subtract multiply divide true_divide power float_power negative positive absolute fabs sign square sqrt
    cbrt reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh
    arcsinh arccosh arctanh sinc hypot deg2rad rad2deg degrees radians maximum minimum fmax fmin clip where
    logaddexp logaddexp2 mod remainder fmod floor_divide copysign heaviside floor ceil trunc round nan_to_num
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not logical_xor isnan
    isinf isfinite isclose allclose sum mean prod var std max min amax amin nansum nanmean cumsum cumprod all
    any count_nonzero argmax argmin diff gradient average reshape ravel transpose swapaxes moveaxis rollaxis
    expand_dims squeeze broadcast_to broadcast_arrays concatenate stack hstack vstack dstack column_stack append
    split array_split hsplit vsplit dsplit tile repeat flip fliplr flipud roll rot90 pad diag diagonal diagflat
    tril triu trace take take_along_axis choose select sort argsort partition meshgrid atleast_1d atleast_2d
    atleast_3d linspace zeros_like ones_like full_like zeros ones eye arange full identity matmul dot vdot inner
    outer kron tensordot einsum cross linalg.inv linalg.pinv linalg.det linalg.slogdet linalg.solve linalg.lstsq
    linalg.cholesky linalg.qr linalg.eigh linalg.svd linalg.norm linalg.matrix_power linalg.multi_dot
"""
NEURAL = """
    relu leaky_relu elu selu gelu silu softplus softsign mish sigmoid hard_sigmoid log_sigmoid tanh exponential
    softmax log_softmax logsumexp dropout one_hot softmax_cross_entropy_with_logits
    sigmoid_cross_entropy_with_logits sparse_softmax_cross_entropy_with_logits
"""
OTHERS = ["trapezoid", "index_set", "index_add", "cast", "astype", "getitem"]  # not in every NumPy
FROM_A_SHAPE = {"zeros", "ones", "eye", "arange", "full", "identity"}  # NumPy's do not ask their arguments for help


def parameters(function):
    """Names of all parameters, whatever kind of callable it is."""
    if isinstance(function, Primitive):
        return [*function.arrays, *function.metadata]
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", NUMPYS.split())
def test_every_function_is_here_with_numpys_parameters_in_numpys_order(name):
    ours, theirs = operator.attrgetter(name)(tgl), operator.attrgetter(name)(np)
    if isinstance(theirs, np.ufunc):
        assert isinstance(ours, Primitive)
        assert ours.arity == theirs.nin
        return
    try:
        expected = [p.name for p in inspect.signature(theirs).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    except ValueError:  # some are written in C and do not tell
        return
    given = parameters(ours)
    known = [n for n in expected if n in given]
    missing = {n for n in expected if n not in given}
    assert missing <= {"out", "subok", "order", "kwargs", "like", "start_or_stop", "copy", "newshape", "casting"}
    if name != "arange":  # whose parameters move
        assert [n for n in given if n in known] == known


@pytest.mark.parametrize("name", [*NEURAL.split(), *OTHERS])
def test_names_that_numpy_has_not(name):
    assert callable(getattr(tgl, name))
    assert name in OTHERS or getattr(tgl.nn, name) is getattr(tgl, name)


@pytest.mark.parametrize("name", sorted(set(NUMPYS.split()) - FROM_A_SHAPE))
def test_numpys_function_leads_here(name):
    assert operator.attrgetter(name)(np) in operators._COUNTERPARTS


# Operators ----------------------------------------------------------------------------------------------------

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod, operator.pow,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
OF_INTEGERS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


def values(result):
    return [x.numpy() for x in result] if isinstance(result, tuple) else [result.numpy()]


@pytest.mark.parametrize("f", [*BINARY, *OF_INTEGERS], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [2, np.array([2, 3])], ids=["number", "array"])
def test_binary_operators_forwards_and_reflected(f, other):
    x = np.array([5, 1]) if f in OF_INTEGERS else np.array([5.5, 1.25])
    for left, right in ((x, other), (other, x)):
        expected = f(left, right)
        expected = list(expected) if isinstance(expected, tuple) else [expected]
        found = f(*(tgl.constant(side) if side is x else side for side in (left, right)))
        for one, theirs in zip(values(found), expected, strict=True):
            np.testing.assert_allclose(one, theirs, rtol=1e-12)


def test_unary_operators():
    x = tgl.constant([-1.5, 2.5])
    assert (-x).tolist() == [1.5, -2.5]
    assert (+x).tolist() == [-1.5, 2.5]
    assert abs(x).tolist() == [1.5, 2.5]
    assert round(x).tolist() == [-2.0, 2.0]
    assert round(tgl.constant(2.567), 1).item() == np.float32(2.6)
    assert [math.floor(x).tolist(), math.ceil(x).tolist(), math.trunc(x).tolist()] == [[-2, 2], [-1, 3], [-1, 2]]
    assert (~tgl.constant([True, False])).tolist() == [False, True]
    assert (~tgl.constant([0, 1])).tolist() == [-1, -2]


def test_remainder_and_divmod_carry_gradients():
    check_gradients(lambda x, y: x % y, [5.5, -1.25], [2.0, 3.0])
    check_gradients(lambda x: divmod(7.0, x)[1], [2.0, 3.0])


METHODS = {
    "all": (), "any": (), "argmax": (1,), "argmin": (1,), "argsort": (), "astype": ("float32",), "clip": (-0.5, 0.5),
    "compress": ([True, False], 0), "conj": (), "copy": (), "cumprod": (1,), "cumsum": (), "diagonal": (),
    "dot": (np.ones(2),), "flatten": ("F",), "max": (0,), "mean": (1,), "min": (), "nonzero": (), "prod": (0,),
    "ravel": (), "repeat": (2, 0), "reshape": (4,), "round": (1,), "squeeze": (), "std": (0,), "sum": (1,),
    "swapaxes": (0, 1), "take": ([1], 0), "trace": (), "transpose": (), "var": (1,),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_ndarrays(name):
    x = np.array([[0.3, -1.2], [2.0, 0.7]])
    expected = getattr(x, name)(*METHODS[name])
    found = getattr(tgl.constant(x), name)(*METHODS[name])
    for one, other in zip(values(found), expected if isinstance(expected, tuple) else [expected], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_nothing_and_text_are_equal_to_no_tensor():
    x = tgl.constant([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x == "1.0") is False
    assert (x != None) is True  # noqa: E711


def test_axes_of_transpose_are_given_one_by_one_or_together():
    x = tgl.zeros((2, 3, 4))
    assert x.transpose(1, 2, 0).shape == x.transpose((1, 2, 0)).shape == x.transpose([1, 2, 0]).shape == (3, 4, 2)
    assert x.transpose(None).shape == x.T.shape == (4, 3, 2)


def test_sort_answers_a_copy():
    x = tgl.constant([3.0, 1.0])
    assert x.sort().tolist() == [1.0, 3.0]
    assert x.tolist() == [3.0, 1.0]


def test_matrix_transpose_and_casting():
    assert tgl.zeros((4, 2, 3)).mT.shape == (4, 3, 2)
    with pytest.raises(TypeError, match=r"casting='safe' allows\. Received: float64 to float32"):
        tgl.constant(np.ones(2)).astype("float32", casting="safe")


# NumPy's functions --------------------------------------------------------------------------------------------


@pytest.fixture
def watched():
    """A tensor that an open tape records."""
    with tgl.GradientTape() as tape:
        x = tgl.constant([3.0, 1.0, 2.0])
        tape.watch(x)
        yield x


def test_a_function_without_a_rule_runs_on_values_that_nobody_records():
    x = tgl.constant([3.0, 1.0, 2.0])
    for answer in (np.median(x), np.median(a=x), np.histogram([x], 2)[0].max()):
        assert not isinstance(answer, tgl.Tensor)
    assert np.median(x) == 2.0
    assert np.spacing(x).dtype == np.float32
    with tgl.GradientTape():
        assert np.median(x) == 2.0  # a tape is open, and does not care for x


@pytest.mark.parametrize(
    ("call", "stub"),
    [
        (
            lambda x: np.median(x),
            r"numpy\.median has no gradient rule.*\.numpy\(\).*operations of tgl.*def median\(x\)",
        ),
        (lambda x: np.median(a=x), r"median\.defvjp\(lambda g, y, x: \.\.\.\)"),
        (
            lambda x: np.nextafter(x, 1.0),
            r"@tgl\.elementwise\s+def nextafter\(x1, x2\):\s+return np\.nextafter\(x1, x2\)",
        ),
        (
            lambda x: np.linalg.eigvals(np.linalg.inv(tgl.eye(3) * x)),
            r"numpy\.linalg\.eigvals.*np\.linalg\.eigvals\(x\)",
        ),
        (lambda x: np.subtract.accumulate(x), r"subtract\.accumulate cannot take.*tgl\.cumsum"),
        (lambda x: np.add(x, 1.0, out=np.zeros(3, np.float32)), r"numpy\.add cannot write.*out=.*a = a \+ tensor"),
    ],
)
def test_a_function_without_a_rule_refuses_a_recorded_tensor(watched, call, stub):
    with pytest.raises(TypeError) as caught:
        call(watched)
    assert re.search(stub, str(caught.value), re.DOTALL), str(caught.value)


def test_a_variable_counts_as_recorded_before_it_is_read():
    v = tgl.Variable([1.0, 2.0])
    assert np.median(v) == 1.5
    with tgl.GradientTape(), pytest.raises(TypeError, match="median"):
        np.median(v)


def test_an_array_on_the_left_of_an_assignment(watched):
    array = np.ones(3)
    array += tgl.constant([1.0, 2.0, 3.0])
    assert array.tolist() == [2.0, 3.0, 4.0]
    with pytest.raises(TypeError, match="out="):
        array += watched
    assert isinstance(array + watched, tgl.Tensor)


def test_functions_that_only_look_take_any_tensor(watched):
    assert np.ndim(watched) == 1
    assert np.shape(watched) == (3,)
    assert np.size(watched) == 3
    assert np.result_type(watched, np.zeros(1)) == np.float64
    assert not np.iscomplexobj(watched)


def test_methods_of_ufuncs_that_are_functions_here():
    x = np.array([[0.5, -1.0], [2.0, 3.0]])
    for call in (
        lambda x: np.add.reduce(x),
        lambda x: np.multiply.reduce(x, axis=1, keepdims=True),
        lambda x: np.maximum.reduce(x, axis=None),
        lambda x: np.minimum.reduce(x),
        lambda x: np.add.accumulate(x),
        lambda x: np.multiply.accumulate(x, axis=1),
    ):
        np.testing.assert_allclose(call(tgl.constant(x)).numpy(), call(x))
        check_gradients(call, x)


def test_where_of_a_condition_alone():
    (index,) = np.where(tgl.constant([0.0, 2.0]))
    assert index.tolist() == [1]
    with pytest.raises(TypeError, match=r"without x, y\. .*write tgl\.nonzero\(condition\)"):
        tgl.where([False, True])


def _arguments(function):
    matrix = tgl.constant([[0.5, 0.25], [0.75, 1.0]])
    integers = tgl.constant([[1, 2], [3, 0]])
    if isinstance(function, np.ufunc):
        takes_floats = any("f" in kinds.split("->")[0] for kinds in function.types)
        return [matrix if takes_floats else integers] * function.nin
    return {
        "choose": [[0, 1], [matrix[0], matrix[1]]],
        "clip": [matrix, 0.3, 0.6],
        "compress": [[True, False], matrix],
        "concatenate": [[matrix, matrix]],
        "cumulative_prod": [matrix[0]],
        "cumulative_sum": [matrix[0]],
        "dot": [matrix, matrix],
        "einsum": ["ij,jk", matrix, matrix],
        "outer": [matrix, matrix],
        "stack": [[matrix, matrix]],
        "take": [matrix, [1, 2]],
    }.get(function.__name__, [matrix])


# The functions of this package that NumPy has, too, with an argument `out`.
_WITH_OUT = [
    *[name for name in tgl.ops.__all__ if getattr(getattr(np, name, None), "nout", 0) == 1],
    *(
        "all", "any", "argmax", "argmin", "around", "choose", "clip", "compress", "concatenate", "cumprod", "cumsum",
        "cumulative_prod", "cumulative_sum", "dot", "einsum", "isneginf", "isposinf", "max", "mean", "min", "nanmax",
        "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "outer", "prod", "ptp", "round", "stack", "std",
        "sum", "take", "trace", "var",
    ),
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in _WITH_OUT if hasattr(np, name)])
@np.errstate(invalid="ignore", divide="ignore")  # some have no value there
def test_out_may_be_nothing_and_nothing_else(name):
    ours, arguments = getattr(tgl, name), _arguments(getattr(np, name))
    plain = ours(*arguments).numpy()
    np.testing.assert_array_equal(ours(*arguments, out=None).numpy(), plain)
    np.testing.assert_array_equal(getattr(np, name)(*arguments, out=None).numpy(), plain)
    with pytest.raises(TypeError, match="cannot write into out=: tensors never change"):
        ours(*arguments, out=np.zeros_like(plain))


def test_a_ufuncs_where_is_pointed_to_its_function():
    with pytest.raises(TypeError, match=r"add does not take the argument 'where'.*tgl\.where"):
        tgl.add(1.0, 2.0, where=True)


def test_a_traced_tensor_has_no_value_to_run_on():
    @tgl.function
    def f(x):
        return np.median(x)

    with pytest.raises(TypeError):
        f(tgl.constant([1.0, 2.0]))


def test_a_ufunc_that_writes_into_a_tensor_is_refused():
    x = tgl.constant([1.0, 2.0])
    with pytest.raises(TypeError, match=r"add\.at writes into its first argument.*index_add"):
        np.add.at(x, [0], 1.0)
    assert x.numpy().tolist() == [1.0, 2.0]


def test_squares_of_booleans_are_integers_that_can_be_added_up():
    for mask in ([True, False], True):
        assert tgl.power(mask, 2).dtype == np.power(mask, 2).dtype == np.dtype(int)
    assert ((tgl.constant([True] * 200) ** 2) * 200).sum().item() == 40_000


@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_dtypes_of_what_counts_are_numpys(name):
    """Of chosen elements and of those that are not nan: what is asked for in integers is cut off, or refused."""
    where = np.array([True, True, False, True])
    for a, dtype in itertools.product(
        (np.array([1, 2, 9, 4]), np.array([1.5, 2.5, 9.0, 4.0], np.float32), np.array([True, False, True, True])),
        (None, np.int64, np.float32, np.float64),
    ):
        for ours, numpys in (
            (getattr(tgl, name), getattr(np, name)),
            (getattr(tgl, f"nan{name}"), getattr(np, f"nan{name}")),
        ):
            try:
                expected = numpys(a, dtype=dtype, where=where, axis=0)
            except TypeError:  # NumPy has no square root in integers, either
                if "nan" in ours.__name__ and a.dtype.kind == "f":
                    with pytest.raises(TypeError, match=f"{ours.__name__} expected a dtype of floats.*int64"):
                        ours(a, dtype=dtype, where=where)
                continue
            answer = ours(a, dtype=dtype, where=where, axis=0)
            np.testing.assert_allclose(answer.numpy(), expected, rtol=1e-6)
            assert answer.dtype == expected.dtype, (ours.__name__, a.dtype, dtype)


def test_float16_counts_beyond_2048():
    x = tgl.Variable(np.ones((5000, 2), np.float16))
    with tgl.GradientTape(persistent=True) as tape:
        highest = tgl.max(x, axis=0)
        mean = tgl.mean(x, axis=0, where=np.arange(10_000).reshape(5000, 2) < 8000)
    assert mean.dtype == np.float16
    assert mean.tolist() == [1.0, 1.0]
    np.testing.assert_array_equal(tape.gradient(highest, x).numpy(), np.full((5000, 2), np.float16(1 / 5000)))
    expected = np.where(np.arange(5000) < 4000, np.float16(1 / 4000), 0)
    np.testing.assert_array_equal(tape.gradient(mean, x).numpy()[:, 0], expected)


def test_extrema_of_integers_stay_integers():
    large = tgl.constant([2**60 + 1, 3])
    assert tgl.nanmax(large).item() == 2**60 + 1
    assert tgl.nanmin(large).dtype == large.dtype
