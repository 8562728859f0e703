"""The training step under `tgl.function`, with the optimizer's blocks dealt out to two threads."""

import os

os.environ["TINYGRAD_LITE_NUM_THREADS"] = "2"

import tinygrad_lite as tgl
from contenders import tinygrad_lite_eager

VERSION = tinygrad_lite_eager.VERSION


def rows():
    return {"step": tinygrad_lite_eager.step(tgl.function)}
