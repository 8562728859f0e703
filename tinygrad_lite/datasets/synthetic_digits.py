"""Digits that the package generates, in MNIST's shapes, for use where MNIST cannot be downloaded.

A digit is a few strokes, which are curves through control points. The control points are moved at random (wobble,
slant, turn, scale, shift), so each sample looks different. Points on a stroke are linear in the control points.
The pen is a row of Gaussian dots. A Gaussian in the plane is the product of one in x and one in y, so one small matrix
product draws all the dots of an image, and 70,000 images take seconds.
"""

from __future__ import annotations

import functools
import math
import operator

import numpy as np
from numpy.typing import NDArray

__all__ = ["load_data"]

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Floats = NDArray[np.float32]

# Per digit, the ways to write it; per way, its strokes; per stroke, its control points x, y in a box of
# 20×20 pixels, y downwards. A point that two strokes share joins them there, with a corner.
GLYPHS = (
    (  # 0
        "11,0 5,2 3,10 5,18 10,20 15,18 17,10 15,2 11,0",
        "13,1 7,1 3,8 4,17 9,20 15,16 17,8 14,2 9,0",
        "10,0 6,3 5,10 6,17 10,20 14,17 15,10 14,3 10,0",
    ),
    (  # 1
        "10,0 10,7 10,13 10,20",
        "12,0 11,7 9,13 8,20",
        "6,5 10,0|10,0 10,10 10,20",
        "6,4 10,0|10,0 10,10 10,20|5,20 10,20|10,20 15,20",
    ),
    (  # 2
        "4,5 6,1 11,0 15,4 13,10 8,15 3,20|3,20 10,19 17,20",
        "4,3 9,0 14,2 14,8 9,15 5,19 3,17 6,15 11,18 17,19",
        "4,2 10,0 15,4 13,11 3,19|3,19 16,18",
    ),
    (  # 3
        "4,3 9,0 14,3 13,7 8,10|8,10 14,12 15,16 10,20 4,18",
        "4,2 10,0 14,4 11,9 7,10 12,10 16,14 12,19 6,20 3,17",
        "4,1 15,1|15,1 8,8|8,8 14,10 15,15 10,20 4,18",
    ),
    (  # 4
        "5,1 4,6 3,11|3,11 10,11 17,11|14,2 13,9 12,20",
        "13,0 8,6 2,13|2,13 9,13 17,13|13,0 13,9 13,20",
        "4,1 4,7 7,11 13,10|15,1 13,10|13,10 12,15 11,20",
    ),
    (  # 5
        "16,1 6,1|6,1 5,9|5,9 11,8 15,12 13,18 8,20 3,18",
        "15,1 11,0 7,1|7,1 5,6 6,9 12,11 15,15 11,19 4,19",
        "6,1 5,9|5,9 10,7 15,11 14,17 9,20 4,18|6,1 11,1 17,0",
    ),
    (  # 6
        "13,0 7,5 4,12 5,18 10,20 15,17 14,12 9,11 5,14",
        "10,0 6,7 5,14 7,19 11,20 14,17 13,13 9,12 6,15",
        "15,1 8,3 4,10 4,16 9,20 15,18 15,13 10,10 5,13",
    ),
    (  # 7
        "3,2 10,2 16,1|16,1 12,9 9,20",
        "3,1 9,2 17,1|17,1 11,10 8,20|7,10 11,10 16,10",
        "3,5 4,2|4,2 10,2 16,1|16,1 12,8 11,20",
    ),
    (  # 8
        "15,4 10,0 5,4 9,9 14,14 10,20 5,16 8,11 13,7 15,3",
        "10,10 5,6 7,1 13,1 15,6 10,10 4,14 6,19 13,19 16,14 10,10",
        "16,2 9,0 5,4 10,9 15,15 10,20 5,17 8,12 16,2",
    ),
    (  # 9
        "15,5 10,0 5,4 6,9 11,10 15,5|15,5 15,12 14,20",
        "15,3 9,0 5,5 8,10 13,8 15,3|15,3 14,12 10,19 5,19",
        "14,2 8,1 5,6 9,10 13,7 14,2|14,2 13,11 9,20",
    ),
)

_SIZE = 28  # pixels
_DOTS = 64  # per image, shared out among its strokes
_BLOCK = 256  # images drawn together, so that their dots stay in the cache

# How much the handwritings differ; standard deviations if not stated otherwise.
_WOBBLE = 1.3  # of each control point, in pixels
_SLANT, _TURN = 0.28, 0.12  # x per y; radians
_SCALE, _ASPECT = 0.1, 0.13  # of the logarithms
_SHIFT = 0.9  # in pixels
_PEN, _PEN_SPREAD = 0.95, 0.18  # the pen's Gaussian: standard deviation in pixels; spread of its logarithm
_NOISE = 10.0  # of each pixel, in grey levels
_MAX_POINTS = 16  # of a glyph


def load_data(n_train: int = 60000, n_test: int = 10000, seed: int = 0) -> tuple[Split, Split]:
    """Draw a data set of handwritten-looking digits.

    Parameters
    ----------
    n_train, n_test
        Number of images in the two splits, which are drawn independently.
    seed
        The same seed draws the same digits. A smaller number of images gives the first of a larger one.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        uint8 of shapes (n_train, 28, 28), (n_train,), (n_test, 28, 28), (n_test,): images with 0 for paper
        and 255 for ink, and the digits 0 to 9 that they show, about as many of each.

    Raises
    ------
    ValueError
        If a number or the seed is negative.
    TypeError
        If one of them is not an integer.

    Notes
    -----
    About as hard as MNIST. With the default arguments, softmax regression gets 88 % of the test images right
    after five epochs of Adam, a network of 784-512-10 units 98 % (on MNIST: 92 % and 98 %).

    Examples
    --------
    >>> from tinygrad_lite.datasets import synthetic_digits
    >>> (x_train, y_train), (x_test, y_test) = synthetic_digits.load_data(n_train=1000, n_test=200)
    >>> x_train.shape, x_train.dtype, y_test.shape
    ((1000, 28, 28), dtype('uint8'), (200,))
    """
    for name, value in (("n_train", n_train), ("n_test", n_test), ("seed", seed)):
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise TypeError(
                f"synthetic_digits.load_data expected an integer for {name}. Received: {name}={value!r}. "
                "Round it with int()."
            )
        if value < 0:
            raise ValueError(f"synthetic_digits.load_data expected {name} of 0 or more. Received: {name}={value}.")
    train, test = np.random.SeedSequence(operator.index(seed)).spawn(2)
    return _draw_split(operator.index(n_train), train), _draw_split(operator.index(n_test), test)


def _draw_split(count: int, seed: np.random.SeedSequence) -> Split:
    # Each property has a stream and is drawn sample by sample, so a sample does not depend on how many follow it.
    streams = [np.random.default_rng(child) for child in seed.spawn(5)]
    labels = streams[0].integers(0, 10, count, dtype=np.uint8)
    way = streams[1].random(count)  # which of the digit's glyphs, as a fraction of their number
    hand = streams[2].standard_normal((count, 7), dtype=np.float32)
    wobble = streams[3].standard_normal((count, _MAX_POINTS, 2), dtype=np.float32)

    images = np.empty((count, _SIZE, _SIZE), np.uint8)
    for digit, texts in enumerate(GLYPHS):
        glyphs = [_parse(text) for text in texts]
        for number, glyph in enumerate(glyphs):
            chosen = np.flatnonzero((labels == digit) & (np.int_(way * len(glyphs)) == number))
            for start in range(0, len(chosen), _BLOCK):
                block = chosen[start : start + _BLOCK]
                images[block] = _draw(glyph, hand[block], wobble[block])
    _add_noise(images, streams[4])
    return images, labels


def _draw(glyph: tuple[Floats, Floats, Floats], hand: Floats, wobble: Floats) -> NDArray[np.uint8]:
    """Draw one glyph in the handwritings `hand` (n, 7), `wobble` (n, points, 2), without noise."""
    points, middle, span = glyph
    slant, turn, scale, aspect, *shift, pen = np.clip(hand.T, -2.5, 2.5)  # no handwriting is more extreme
    slant, turn = _SLANT * slant, _TURN * turn
    height = np.exp(_SCALE * scale)
    width = height * np.exp(_ASPECT * aspect)
    cos, sin = np.cos(turn), np.sin(turn)
    # Scale, then slant, then turn, as one matrix that is applied from the right.
    transform = np.stack(
        [
            np.stack([width * cos, width * sin], -1),
            np.stack([-height * (slant * cos + sin), height * (cos - slant * sin)], -1),
        ],
        axis=1,
    )  # (n, 2, 2)
    moved = (points + _WOBBLE * wobble[:, : len(points)]) @ transform  # (n, points, 2)

    dots = middle @ moved  # (n, dots, 2)
    lengths = np.sqrt(((span @ moved) ** 2).sum(-1))  # (n, dots): of the piece of stroke around each dot
    centre = (dots * lengths[..., None]).sum(1) / lengths.sum(1)[:, None]
    dots += ((_SIZE - 1) / 2 + _SHIFT * np.stack(shift, -1) - centre)[:, None]

    # Dots of weight length / (sqrt(2 pi) deviation) add up to 1 along the middle of a stroke.
    deviation = _PEN * np.exp(_PEN_SPREAD * pen)[:, None]  # (n, 1)
    spread = (dots / (math.sqrt(2) * deviation[..., None]))[..., None]  # (n, dots, 2, 1)
    grid = np.arange(_SIZE, dtype=np.float32) / (math.sqrt(2) * deviation)  # (n, 28)
    falloff = spread - grid[:, None, None]  # (n, dots, 2, 28)
    np.square(falloff, out=falloff)
    np.negative(falloff, out=falloff)
    np.exp(falloff, out=falloff)
    across, down = falloff[:, :, 0], falloff[:, :, 1]
    down *= (lengths / (math.sqrt(2 * math.pi) * deviation))[..., None]
    ink = down.swapaxes(1, 2) @ across  # (n, 28, 28)

    # Half of the maximum becomes the stroke's edge, one pixel wide. (The slope there is 0.59 / deviation.)
    ink -= 0.5
    ink *= np.maximum(1.7 * deviation, 1)[..., None]  # at least 1, so that pixels far from all dots are paper
    ink += 0.5
    ink *= 255
    drawn: NDArray[np.uint8] = np.clip(ink, 0, 255, out=ink).astype(np.uint8)
    return drawn


def _add_noise(images: NDArray[np.uint8], rng: np.random.Generator) -> None:
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        noisy = rng.standard_normal(block.shape, dtype=np.float32)
        noisy *= _NOISE
        noisy += block
        block[...] = np.clip(noisy, 0, 255, out=noisy)


@functools.cache
def _parse(text: str) -> tuple[Floats, Floats, Floats]:
    """Return the control points of a glyph, and the matrices that map them to its dots.

    Returns
    -------
    points, middle, span
        The control points (points, 2), relative to the box's centre; `middle @ points` are the dots,
        `span @ points` the vectors from each dot's start to its end along the stroke, both (dots, points).
    """
    strokes = [[tuple(map(float, point.split(","))) for point in part.split()] for part in text.split("|")]
    points = sorted({point for stroke in strokes for point in stroke})
    reach = [sum(map(math.dist, stroke, stroke[1:])) for stroke in strokes]
    ends = np.rint(np.cumsum([0, *reach]) * (_DOTS / sum(reach))).astype(int)

    middles, spans = [], []
    for stroke, dots in zip(strokes, np.diff(ends), strict=True):
        place = np.zeros((len(stroke), len(points)))  # which of the points the stroke goes through
        place[np.arange(len(stroke)), [points.index(point) for point in stroke]] = 1
        knots = _curve(len(stroke), int(dots) + 1) @ place
        middles.append((knots[1:] + knots[:-1]) / 2)
        spans.append(knots[1:] - knots[:-1])
    return (
        np.array(points, np.float32) - 10,
        np.concatenate(middles).astype(np.float32),
        np.concatenate(spans).astype(np.float32),
    )


def _curve(points: int, knots: int) -> NDArray[np.float64]:
    """Return the matrix (knots, points) of the Catmull-Rom spline through `points`, at equal steps."""
    position = np.linspace(0, points - 1, knots)
    first = np.minimum(position.astype(int), points - 2)  # the control point before each knot
    t = position - first
    weights = (
        (-0.5 * t + t**2 - 0.5 * t**3, -1),
        (1 - 2.5 * t**2 + 1.5 * t**3, 0),
        (0.5 * t + 2 * t**2 - 1.5 * t**3, 1),
        (-0.5 * t**2 + 0.5 * t**3, 2),
    )
    padded = np.zeros((knots, points + 2))
    for weight, offset in weights:
        padded[np.arange(knots), first + offset + 1] += weight
    # Beyond its ends the curve is extrapolated linearly: p[-1] = 2 p[0] - p[1], and likewise at the other end.
    matrix = padded[:, 1:-1].copy()
    matrix[:, :2] += padded[:, :1] * [2, -1]
    matrix[:, -2:] += padded[:, -1:] * [-1, 2]
    return matrix
