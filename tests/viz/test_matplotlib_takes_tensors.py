"""Matplotlib's functions take tensors and Variables as they take arrays."""

import numpy as np
import pytest

import tinygrad_lite as tgl

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

CALLS = {
    "annotate": lambda a, m: plt.annotate("x", (a[0], a[1])),
    "axhline": lambda a, m: plt.axhline(a[0]),
    "bar": lambda a, m: plt.bar(a, a),
    "bar of widths": lambda a, m: plt.bar(a, a, width=a, bottom=a, yerr=a),
    "bar of names": lambda a, m: plt.bar(["a", "b", "c"], a),
    "bar of mixed": lambda a, m: plt.bar([0, 1, 2], a),
    "barh": lambda a, m: plt.barh(a, a),
    "boxplot": lambda a, m: plt.boxplot(a),
    "contour": lambda a, m: plt.contour(m),
    "errorbar": lambda a, m: plt.errorbar(a, a, a),
    "eventplot": lambda a, m: plt.eventplot(a),
    "fill_between": lambda a, m: plt.fill_between(a, a),
    "hexbin": lambda a, m: plt.hexbin(a, a),
    "hist": lambda a, m: plt.hist(a),
    "hist2d": lambda a, m: plt.hist2d(a, a),
    "imshow": lambda a, m: plt.imshow(m),
    "pcolormesh": lambda a, m: plt.pcolormesh(m),
    "pie": lambda a, m: plt.pie(a),
    "plot": lambda a, m: plt.plot(a, a),
    "quiver": lambda a, m: plt.quiver(a, a, a, a),
    "scatter": lambda a, m: plt.scatter(a, a, c=a, s=a),
    "semilogy": lambda a, m: plt.semilogy(a, a),
    "stackplot": lambda a, m: plt.stackplot(a, a),
    "stem": lambda a, m: plt.stem(a, a),
    "step": lambda a, m: plt.step(a, a),
    "text": lambda a, m: plt.text(a[0], a[1], "x"),
    "violinplot": lambda a, m: plt.violinplot(a),
    "vlines": lambda a, m: plt.vlines(a, 0, a),
    "xlim": lambda a, m: plt.xlim(a[0], a[1]),
    "xticks": lambda a, m: plt.xticks(a),
}


def drawn(name, wrap):
    figure = plt.figure(figsize=(2, 2), dpi=40)
    try:
        CALLS[name](wrap(np.array([1.0, 2.0, 3.0], np.float32)), wrap(np.arange(9, dtype=np.float32).reshape(3, 3)))
        figure.canvas.draw()
        return np.asarray(figure.canvas.buffer_rgba()).copy()
    finally:
        plt.close(figure)


@pytest.mark.parametrize("wrap", [tgl.constant, tgl.Variable], ids=["tensor", "variable"])
@pytest.mark.parametrize("name", CALLS)
def test_the_picture_is_that_of_arrays(name, wrap):
    np.testing.assert_array_equal(drawn(name, wrap), drawn(name, np.asarray))
