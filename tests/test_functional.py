"""Derivatives of functions, on top of the tape."""

import numpy as np
import pytest

import tinygrad_lite as tgl
from tinygrad_lite.core.record import recording_tapes


class TestValueAndGradient:
    def test_of_one_argument(self):
        f = tgl.value_and_gradient(lambda x, scale: tgl.sum(x * x) * scale)
        value, gradient = f(np.array([1.0, 2.0]), 3.0)
        assert (value.item(), gradient.tolist(), gradient.dtype) == (15.0, [6.0, 12.0], np.float64)

    def test_of_several_arguments_and_of_structures(self):
        def f(weights, x):
            return tgl.sum(x * weights["w"] + weights["rest"][0])

        weights = {"w": tgl.constant(2.0), "rest": [1.0]}
        _, gradients = tgl.value_and_gradient(f, argnums=(1, 0))(weights, np.array([1.0, 3.0]))
        assert gradients[0].tolist() == [2.0, 2.0]
        assert gradients[1]["w"].item() == 4.0
        assert gradients[1]["rest"][0].item() == 2.0  # a list is a structure, as for a tape
        _, gradient = tgl.value_and_gradient(f, argnums=-1)(weights, tgl.constant([1.0, 3.0]))
        assert gradient.tolist() == [2.0, 2.0]

    def test_variables_that_the_function_reads_elsewhere(self):
        w, b = tgl.Variable([[2.0]]), tgl.Variable([1.0])
        value, (dw, db) = tgl.value_and_gradient(lambda variables: tgl.mean(tgl.ones((3, 1)) @ w + b))([w, b])
        assert (value.item(), dw.tolist(), db.tolist()) == (3.0, [[1.0]], [1.0])

    def test_what_else_is_returned_is_handed_on(self):
        (value, aux), gradient = tgl.value_and_gradient(lambda x: (x * x, "more"), has_aux=True)(3.0)
        assert (value.item(), aux, gradient.item()) == (9.0, "more", 6.0)

    def test_unconnected(self):

        def f(x, y):
            return x * 2.0

        assert tgl.value_and_gradient(f, (0, 1))(1.0, 1.0)[1][1] is None
        assert tgl.value_and_gradient(f, 1, unconnected_gradients="zero")(tgl.constant(1.0), 1.0)[1].item() == 0.0

    def test_it_nests_and_is_recorded(self):
        slope = lambda x: tgl.value_and_gradient(lambda x: x**3)(x)[1]
        assert tgl.value_and_gradient(slope)(2.0)[1].item() == 12.0
        v = tgl.Variable(2.0)
        with tgl.GradientTape() as tape:
            g = slope(v)
        assert tape.gradient(g, v).item() == 12.0

    def test_it_is_compiled_by_tgl_function(self):
        def loss(x):
            return tgl.sum(tgl.square(x))

        step = tgl.function(tgl.value_and_gradient(loss))
        for x in (tgl.constant([1.0, 2.0]), tgl.constant([3.0, 4.0])):
            value, gradient = step(x)
            assert (value.item(), gradient.tolist()) == (sum(x.numpy() ** 2), (2 * x.numpy()).tolist())
        assert step.traces == 1

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: tgl.value_and_gradient(lambda x: x)([1.0, 2.0]), r"to return a Tensor.*list"),
            (lambda: tgl.value_and_gradient(lambda x: x * 2)(np.ones(2)), r"one floating number.*\(2,\).*mean"),
            (lambda: tgl.value_and_gradient(lambda x: x > 0)(1.0), r"one floating number.*bool"),
            (lambda: tgl.value_and_gradient(lambda x: 3.0)(1.0), r"expected the function to return a Tensor.*3\.0"),
            (lambda: tgl.value_and_gradient(lambda x: x)(3), r"floating numbers.*int.*tgl\.cast"),
            (lambda: tgl.value_and_gradient(lambda x: x, 1)(3.0), r"argnums=1.*1 positional"),
            (lambda: tgl.value_and_gradient(lambda x: x, has_aux=True)(3.0), r"a pair \(value, aux\)"),
            (lambda: tgl.hessian_vector_product(lambda x: x, tgl.ones(2), tgl.ones(2)), r"one floating number.*\(2,\)"),
        ],
    )
    def test_wrong_use(self, call, message):
        with pytest.raises(TypeError, match=message):
            call()
        assert recording_tapes() == ()


def plane(x, y):
    return x * x * y


class TestOneTensorInSeveralPlaces:
    """What is passed twice is two arguments; only a Variable stands for all that is read of it."""

    @pytest.mark.parametrize("make", [tgl.constant, tgl.Variable, np.float32, lambda value: tgl.Variable(value) * 1.0])
    def test_two_arguments(self, make):
        t = make(3.0)
        value, gradient = tgl.value_and_gradient(plane, (0, 1))(t, t)
        assert (value.item(), [g.item() for g in gradient]) == (27.0, [18.0, 9.0])
        assert tgl.value_and_gradient(plane)(t, t)[1].item() == 18.0
        assert tgl.value_and_gradient(plane, 1)(t, t)[1].item() == 9.0
        assert tgl.value_and_gradient(plane, (1, -1, 0))(t, t)[1] == (9.0, 9.0, 18.0)
        assert tgl.value_and_gradient(plane)(t, y=t)[1].item() == 18.0

    @pytest.mark.parametrize("make", [tgl.constant, tgl.Variable])
    def test_leaves_of_structures(self, make):
        t = make(3.0)
        gradient = tgl.value_and_gradient(lambda d: plane(d["a"], d["b"][0]))({"a": t, "b": [t, 1.0]})[1]
        assert (gradient["a"].item(), gradient["b"][0].item(), gradient["b"][1]) == (18.0, 9.0, None)
        gradient = tgl.value_and_gradient(lambda pair: plane(*pair))((t, t))[1]
        assert [g.item() for g in gradient] == [18.0, 9.0]
        pair = [t]
        assert [g.item() for (g,) in tgl.value_and_gradient(lambda x, y: plane(x[0], y[0]), (0, 1))(pair, pair)[1]] == [
            18.0,
            9.0,
        ]

    def test_a_tensor_that_the_function_closes_over_is_a_constant(self):
        t, v = tgl.constant(3.0), tgl.Variable(3.0)
        assert tgl.value_and_gradient(lambda x: x * t)(t)[1].item() == 3.0
        assert tgl.value_and_gradient(lambda x: x * v)(v)[1].item() == 6.0  # a Variable stands for itself
        assert tgl.hessian_vector_product(lambda x: x * t * t, t, tgl.constant(1.0)).item() == 0.0

    @pytest.mark.parametrize("make", [tgl.constant, tgl.Variable])
    def test_hessian_vector_products(self, make):
        t = make(3.0)
        for x in ([t, t], (t, t)):
            product = tgl.hessian_vector_product(lambda x: plane(*x), x, [tgl.constant(1.0), tgl.constant(0.0)])
            assert [p.item() for p in product] == [6.0, 6.0]
        assert tgl.hessian_vector_product(lambda x: x**3, t, t).item() == 54.0

    @pytest.mark.parametrize("make", [tgl.constant, tgl.Variable])
    def test_an_outer_tape_sees_one_tensor(self, make):
        t = make(3.0)
        with tgl.GradientTape(persistent=True) as tape:
            tape.watch(t)
            value, (a, b) = tgl.value_and_gradient(plane, (0, 1))(t, t)  # 2·x·y and x², each 18 and 9 here
            s, h = a + 2.0 * b, tgl.hessian_vector_product(lambda x: x**3, t, t)
        assert [tape.gradient(y, t).item() for y in (value, s, h)] == [27.0, 24.0, 36.0]

    def test_inside_of_a_function(self):
        f = tgl.function(lambda x: tgl.value_and_gradient(plane, (0, 1))(x, x)[1])
        for value in (3.0, 2.0):
            assert [g.item() for g in f(tgl.constant(value))] == [2 * value**2, value**2]

    def test_a_variable_passed_twice_and_read_otherwise(self):
        v = tgl.Variable(3.0, name="v")
        with pytest.raises(ValueError, match=r"'v' was passed as more than one argument.*reads it otherwise"):
            tgl.value_and_gradient(lambda x, y: x * y * v, (0, 1))(v, v)
        with pytest.raises(ValueError, match="'v' was passed as more than one argument"):
            tgl.hessian_vector_product(lambda x: x[0] * x[1] * v, [v, v], [1.0, 1.0])
        assert recording_tapes() == ()


class TestHessianVectorProduct:
    @staticmethod
    def f(x):
        return tgl.sum(tgl.sin(x)) * tgl.sum(x * x)

    def test_against_the_hessian(self):
        rng = np.random.default_rng(0)
        x, v = rng.normal(size=4), rng.normal(size=4)
        variable = tgl.Variable(x)
        with tgl.GradientTape() as outer:
            with tgl.GradientTape() as inner:
                y = self.f(variable)
            gradient = inner.gradient(y, variable)
        hessian = outer.jacobian(gradient, variable).numpy()
        product = tgl.hessian_vector_product(self.f, x, v)
        np.testing.assert_allclose(product.numpy(), hessian @ v, rtol=1e-12)
        np.testing.assert_allclose(tgl.hessian_vector_product(self.f, variable, tgl.constant(v)).numpy(), hessian @ v)

    def test_structures(self):
        x = {"a": tgl.constant([1.0, 2.0]), "b": tgl.constant(3.0), "c": tgl.constant(1.0)}
        v = {"a": [1.0, 0.0], "b": 0.0, "c": 1.0}
        answer = tgl.hessian_vector_product(
            lambda x: tgl.sum(x["a"] ** 3) * x["b"], x, {k: tgl.constant(p) for k, p in v.items()}
        )
        assert {name: part.tolist() for name, part in answer.items()} == {"a": [18.0, 0.0], "b": 3.0, "c": 0.0}

    def test_of_a_linear_function_it_is_zero(self):
        assert tgl.hessian_vector_product(lambda x: x[0] * 2.0, [1.0, 2.0], [1.0, 1.0])[0].item() == 0.0
        assert tgl.hessian_vector_product(lambda x: tgl.constant(1.0), np.ones(2), np.ones(2)).tolist() == [0.0, 0.0]

    def test_it_is_differentiable(self):
        x, v = tgl.Variable(2.0), tgl.Variable(1.0)
        with tgl.GradientTape() as tape:
            product = tgl.hessian_vector_product(lambda x: x**4, x, v)
        assert product.item() == 48.0
        assert [g.item() for g in tape.gradient(product, [x, v])] == [48.0, 48.0]

    def test_a_vector_that_does_not_fit(self):
        with pytest.raises(ValueError, match=r"shape \(2,\) and dtype float64.*\(3,\)"):
            tgl.hessian_vector_product(tgl.sum, np.ones(2), np.ones(3))
        with pytest.raises(ValueError, match=r"dtype float64.*float32"):
            tgl.hessian_vector_product(tgl.sum, np.ones(2), tgl.ones(2))
        with pytest.raises(ValueError, match="for each of the 1 parts"):
            tgl.hessian_vector_product(lambda x: tgl.sum(x["a"]), {"a": np.ones(2)}, {})

    def test_variables_that_the_function_reads_elsewhere(self):
        w, b = tgl.Variable([1.0, 2.0]), tgl.Variable(3.0)
        vectors = [tgl.constant([1.0, 0.0]), tgl.constant(1.0)]
        products = tgl.hessian_vector_product(lambda _: tgl.sum(w * w) * b, [w, b], vectors)
        assert [p.tolist() for p in products] == [[6.0 + 2.0, 4.0], 2.0]  # H = [[2b·1, 2w], [2wᵀ, 0]]
