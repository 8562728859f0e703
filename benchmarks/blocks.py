"""What a program gains by working through large elementwise runs block by block: milliseconds, and the ratio.

python benchmarks/blocks.py

Three ways in turn, nine rounds: the program in blocks, the same program on whole arrays, and the function eagerly. The
ratio is the median over the rounds, the times are the least.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite.compiler import fusion as blocks

RUNS = {
    "bias, relu": lambda x, b: tgl.relu(x + b),
    "bias, gelu": lambda x, b: tgl.nn.gelu(x + b, approximate=True),
    "bias, gelu, gradient": lambda x, b: gradient(lambda x: tgl.nn.gelu(x + b, approximate=True), x),
    "polynomial of degree 5": lambda x, b: ((((x + 1.0) * x + 2.0) * x + 3.0) * x + 4.0) * x + 5.0,
    "silu, gradient": lambda x, b: gradient(tgl.silu, x),
}


def gradient(f, x):
    with tgl.GradientTape() as tape:
        tape.watch(x)
        y = f(x).sum()
    return tape.gradient(y, x)


def compiled(f, *arguments, in_blocks):
    large, blocks.LARGE = blocks.LARGE, blocks.LARGE if in_blocks else 1 << 62
    try:
        program = tgl.function(f)
        program(*arguments)
    finally:
        blocks.LARGE = large
    return program


def seconds(f, *arguments, count):
    begin = time.perf_counter()
    for _ in range(count):
        f(*arguments)
    return (time.perf_counter() - begin) / count


def main():
    rng = np.random.default_rng(0)
    print("| arrays | run | whole | in blocks | eager | ratio |\n|---|---|---:|---:|---:|---:|")
    for shape in ((1024, 512), (1024, 1024), (1024, 2048), (4096, 2048)):
        x, b = (tgl.constant(rng.normal(size=size).astype(np.float32)) for size in (shape, shape[1]))
        for name, f in RUNS.items():
            ways = [compiled(f, x, b, in_blocks=False), compiled(f, x, b, in_blocks=True), f]
            rounds = [[seconds(way, x, b, count=max(1, 2**21 // x.size)) for way in ways] for _ in range(9)]
            ratio = statistics.median(in_blocks / whole for whole, in_blocks, _ in rounds)
            cells = [f"{min(times) * 1e3:.2f}" for times in zip(*rounds)]
            print(f"| {shape[0]}, {shape[1]} | {name} | {' | '.join(cells)} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
