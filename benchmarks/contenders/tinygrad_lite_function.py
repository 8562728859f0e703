"""The same functions as in `tinygrad_lite_eager`, under `tgl.function`."""

from contenders import tinygrad_lite_eager

VERSION = tinygrad_lite_eager.VERSION


def rows():
    return tinygrad_lite_eager.rows(compiled=True)
