"""Coverage-guided fuzzing of what reads files and of what writes names into drawings.

    python tests/fuzz.py idx|npz|safetensors|tgl|dot|html|all [--seconds 60] [--seed 0]

Inputs are made from good ones by changes of bytes, of entries of an archive (whose checksums are then right), and of
values in JSON; one that reaches a line no other did joins those that are changed further. Only documented errors may
come out, within a bound of memory and of time; and a drawing must have the structure that harmless names give.
Printed are the inputs tried, what was raised, the longest time and the largest peak of memory.
"""

import argparse
import copy
import gzip
import html.parser
import io
import json
import random
import re
import struct
import sys
import tempfile
import time
import tracemalloc
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

import tinygrad_lite as tgl
from tinygrad_lite import nn, viz
from tinygrad_lite.core.record import enter_scopes
from tinygrad_lite.datasets import idx
from tinygrad_lite.viz.dot import escaped

LONGEST = 1 << 16
"""Bytes of an input at the most."""
MOST_MEMORY = 128 << 20
"""Bytes that one input may make the package take: a deflated input can stand for a thousand times its size."""
MOST_SECONDS = 10.0
"""For one input, traced line by line as it is here."""

INTERESTING = [
    b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0" * 8, b"\x93NUMPY", b"PK\x01\x02", b"PK\x05\x06",
    b"../", b"</script>", b"<!--", b"-->", b'"', b"'", b"&", b"]]>", b"<b>", b">", b"\\", b"\\n", b"\n", b"{}", b"%s",
    "\u2028".encode(), "\ufeff".encode(), "\U0001f600".encode(), "\ufffe".encode(), b"\xed\xa0\x80",
]  # fmt: skip
JUNK = [
    None, True, -1, 0, 3, 10**30, 1e308, "", "Dense", "Adam", "relu", "os.system", [], {}, [None, 3],
    {"class": "Dense"}, {"tuple": [None, 3]}, {"array": [1, "a"], "dtype": "float32"},
    {"class": "Sequential", "config": {}},
]  # fmt: skip


# Changing inputs ----------------------------------------------------------------------------------------------


def change_bytes(rng, content, pool):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        at, way = rng.randrange(len(content) + 1), rng.randrange(6)
        if way == 0 and content:
            content[at % len(content)] ^= 1 << rng.randrange(8)
        elif way == 1:
            content[at:at] = rng.choice(INTERESTING)
        elif way == 2:
            piece = rng.choice(INTERESTING)
            content[at : at + len(piece)] = piece
        elif way == 3:
            del content[at : at + rng.choice([1, 2, 8, 64, 1 << 12])]
        elif way == 4:
            other = rng.choice(pool)
            start = rng.randrange(len(other) + 1)
            content[at:at] = other[start : start + rng.choice([1, 4, 32, 256])]
        else:
            content[at : at + rng.randrange(5)] = rng.randbytes(rng.randrange(5))
    return bytes(content[:LONGEST])


def change_archive(rng, content, pool):
    """An archive with one entry changed, its checksums right; bytes, where that cannot be done."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            entries = {name: file.read(name) for name in file.namelist()}
    except Exception:  # it is no archive any more
        return change_bytes(rng, content, pool)
    if not entries or rng.random() < 0.3:
        return change_bytes(rng, content, pool)
    name = rng.choice(sorted(entries))
    if name.endswith(".json") and rng.random() < 0.7:
        entries[name] = change_json(rng, entries[name])
    elif rng.random() < 0.1:
        entries[change_bytes(rng, name.encode(), pool)[:100].decode("latin1") or "x"] = entries.pop(name)
    else:
        entries[name] = change_bytes(rng, entries[name], list(entries.values()))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as file:
        for key, value in entries.items():
            file.writestr(zipfile.ZipInfo(key), value, compress_type=rng.choice([0, 8]))
    return buffer.getvalue()


def check(holds, message):
    """What `assert` does, with `python -O` too."""
    if not holds:
        raise AssertionError(message)


def change_json(rng, text):
    try:
        whole = json.loads(text)
    except ValueError:
        return text
    for _ in range(rng.choice([1, 1, 2])):
        place, parent, key = whole, None, None
        while isinstance(place, (dict, list)) and place and (parent is None or rng.random() < 0.8):
            parent, key = place, rng.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
            place = parent[key]
        if parent is None:
            continue
        if rng.random() < 0.2:
            del parent[key]
        else:
            parent[key] = copy.deepcopy(rng.choice(JUNK))  # or a second change could put it into itself
    return json.dumps(whole).encode()


# Targets ------------------------------------------------------------------------------------------------------


class Target:
    """Something to be fuzzed: good inputs, a change, a use, and the files whose lines guide it."""

    change = staticmethod(change_bytes)
    files: tuple[str, ...] = ()
    suffix = ""

    def __init__(self, folder):
        self.path = Path(folder, "input" + self.suffix)
        self.seeds = self.make_seeds()

    def use(self, content):
        self.path.write_bytes(content)
        self.read()


class Idx(Target):
    files = ("datasets/idx.py",)

    def make_seeds(self):
        plain = [
            bytes([0, 0, 8, 1]) + struct.pack(">I", 3) + b"abc",
            bytes([0, 0, 0x0D, 2]) + struct.pack(">II", 2, 3) + bytes(24),
            bytes([0, 0, 0x0E, 0]) + bytes(8),
        ]
        return [*plain, *(gzip.compress(content, mtime=0) for content in plain)]

    def read(self):
        check(isinstance(idx.read(self.path), np.ndarray), "not an array")


def small_model():
    tgl.random.set_seed(0)
    model = nn.Sequential([nn.Input((3,)), nn.Dense(2, activation="relu"), nn.Dropout(0.5), nn.Dense(2)])
    model.compile("adam", "mse", ["mae"])
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    return model


class Weights(Target):
    files = ("utils/archive.py", "nn/saving/")

    def make_seeds(self):
        self.model = small_model()
        self.model.save_weights(self.path)
        self.bits = self._bits()
        return [self.path.read_bytes()]

    def _bits(self):
        return [w.numpy().tobytes() for w in self.model.weights]

    def read(self):
        loaded = False
        try:
            self.model.load_weights(self.path, by_name=True, strict=False)
            loaded = True
        finally:
            check(loaded or self._bits() == self.bits, "a model was changed by a file that was refused")
            self.bits = self._bits()


class Npz(Weights):
    suffix = ".npz"
    change = staticmethod(change_archive)


class Safetensors(Weights):
    suffix = ".safetensors"

    @staticmethod
    def change(rng, content, pool):
        """Half of the time the header is changed as JSON, and its length is right."""
        size = int.from_bytes(content[:8], "little")
        if rng.random() < 0.5 or size > len(content) - 8:
            return change_bytes(rng, content, pool)
        header = change_json(rng, content[8 : 8 + size])
        return len(header).to_bytes(8, "little") + header + content[8 + size :]


class Tgl(Target):
    suffix = ".tgl"
    change = staticmethod(change_archive)
    files = ("utils/archive.py", "nn/saving/")

    def make_seeds(self):
        small_model().save(self.path)
        return [self.path.read_bytes()]

    def read(self):
        nn.load_model(self.path)


HARMLESS = "name"


class Drawing(Target):
    """A name, wherever a user's names go: of a Variable, of a scope, as the title."""

    def make_seeds(self):
        self.expected = self.structure(*self.draw(HARMLESS))
        return [b"name", "zw\u00f6lf \U0001f600".encode(), *INTERESTING]

    def drawn(self, name):
        v = tgl.Variable([1.0, 2.0], name=name)
        enter_scopes((name.replace("/", "|"),))  # as a layer of that name does; "/" would be a layer in a layer
        try:
            with tgl.GradientTape(persistent=True) as tape:
                y = (v * 2.0).sum()
        finally:
            enter_scopes(())
        return viz.graph(tape, y, {name: v} if name else v)

    def use(self, content):
        name = content[:2000].decode("utf-8", "surrogatepass" if self.can(content) else "replace")
        check(self.structure(*self.draw(name)) == self.expected, f"{name!r} changes the structure")

    @staticmethod
    def can(content):
        try:
            content[:2000].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return False
        return True


class Dot(Drawing):
    files = ("viz/dot.py", "viz/graph.py", "viz/parts.py")

    def draw(self, name):
        return self.drawn(name).dot, name

    def structure(self, dot, name):
        """The tags of all labels, which are XML, and what lies outside of them."""
        text = ElementTree.fromstring(f"<t>{escaped(name)}</t>").text or ""
        check("\ufffd" in text or text == name.replace("\t", " "), "the name is another one")
        tags = []

        def note(label):
            tags.append([e.tag for e in ElementTree.fromstring(f"<r>{label[1]}</r>").iter()])
            return "<>"

        outside = re.sub(r"(?<==)<(<.*?>)>(?=[,;]|\]|\n)", note, dot, flags=re.DOTALL)
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', outside, flags=re.DOTALL)
        return (
            tags,
            re.sub(r"\d+", "0", outside).count("->"),
            outside.count("{"),
            outside.count("["),
            outside.count(";"),
        )


class Html(Drawing):
    files = ("viz/html.py", "viz/story.py")

    def draw(self, name):
        self.path.unlink(missing_ok=True)
        self.drawn(name).to_html(str(self.path) + ".html", title=name)
        return (Path(str(self.path) + ".html").read_text(encoding="utf-8"),)

    def structure(self, page):
        """The elements of the page, with their attributes; its data must be JSON."""
        parser = Tags()
        parser.feed(page)
        parser.close()
        json.loads(parser.data)
        return parser.tags


class Tags(html.parser.HTMLParser):
    """Notes start tags, and the text of the first script."""

    def __init__(self):
        super().__init__()
        self.tags, self.data, self._reads = [], "", False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs if tag != "script" else dict(attrs).get("type")))
        self._reads = tag == "script" and dict(attrs).get("id") == "data"

    def handle_endtag(self, tag):
        self._reads = False

    def handle_data(self, data):
        if self._reads:
            self.data += data


TARGETS = {"idx": Idx, "npz": Npz, "safetensors": Safetensors, "tgl": Tgl, "dot": Dot, "html": Html}
DOCUMENTED = (ValueError,)


# Running ------------------------------------------------------------------------------------------------------


class Lines:
    """A context in which executed lines of some files of the package are noted."""

    def __init__(self, files):
        root = Path(tgl.__file__).parent
        self._files = tuple(str(root / file) + ("/" if file.endswith("/") else "") for file in files)
        self.seen = set()

    def __enter__(self):
        self.seen = set()
        sys.settrace(self._call)

    def __exit__(self, *_):
        sys.settrace(None)

    def _call(self, frame, event, _):
        return self._line if frame.f_code.co_filename.startswith(self._files) else None

    def _line(self, frame, event, _):
        self.seen.add((id(frame.f_code), frame.f_lineno))
        return self._line


def fuzz(name, seconds, seed=0, most=None):
    """Fuzz one target; return what was found out, by name."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        target = TARGETS[name](folder)
        pool, covered, raised = list(target.seeds), set(), Counter()
        longest = peak = tried = 0
        lines = Lines(target.files)
        tracemalloc.start()
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end and (most is None or tried < most):
                content = pool[tried] if tried < len(target.seeds) else target.change(rng, rng.choice(pool), pool)
                tracemalloc.reset_peak()
                held = tracemalloc.get_traced_memory()[0]
                begin = time.process_time()  # so that other work on the machine does not count
                try:
                    with lines:
                        target.use(content)
                    raised["accepted"] += 1
                except DOCUMENTED as error:
                    raised[type(error).__name__] += 1
                except BaseException as error:
                    raise AssertionError(
                        f"{name}: {type(error).__name__}: {error}; input: {content[:2000]!r}"
                    ) from error
                taken = time.process_time() - begin
                used = tracemalloc.get_traced_memory()[1] - held
                check(taken < MOST_SECONDS, f"{name}: {taken:.1f} s for {content[:2000]!r}")
                check(used < MOST_MEMORY, f"{name}: {used:,} bytes for {content[:2000]!r}")
                longest, peak, tried = max(longest, taken), max(peak, used), tried + 1
                if not lines.seen <= covered:
                    covered |= lines.seen
                    pool.append(content)
        finally:
            tracemalloc.stop()
    return {"tried": tried, "raised": dict(raised), "seconds": longest, "peak": peak, "lines": len(covered),
            "pool": len(pool)}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in TARGETS if arguments.target == "all" else [arguments.target]:
        found = fuzz(name, arguments.seconds, arguments.seed)
        outcomes = ", ".join(f"{count:,} {what}" for what, count in sorted(found["raised"].items()))
        print(
            f"{name:12} {found['tried']:,} inputs ({outcomes}), {found['lines']} lines by {found['pool']} kept; "
            f"longest {found['seconds']:.3f} s, peak {found['peak'] / 2**20:.1f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
