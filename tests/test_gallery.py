"""docs/visualization.md is what docs/make_gallery.py writes, and has its pictures. test_docs.py runs its code."""

import importlib.util
import xml.etree.ElementTree
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def gallery():
    spec = importlib.util.spec_from_file_location("make_gallery", DOCS / "make_gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_and_script_agree(gallery):
    assert gallery.check() == [], "run python docs/make_gallery.py"


def test_the_check_finds_a_change_and_a_missing_picture(gallery, monkeypatch, tmp_path):
    page = tmp_path / "visualization.md"
    page.write_text(gallery.PAGE.read_text(encoding="utf-8").replace("viz.graph", "viz.grap", 1), encoding="utf-8")
    monkeypatch.setattr(gallery, "PAGE", page)
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    wrong = gallery.check()
    assert wrong[0] == "visualization.md is not what the script says"
    assert "gallery" not in wrong[0]
    assert any("forward.svg is missing" in line for line in wrong)


def test_each_picture_comes_from_the_lines_beside_it(gallery):
    for entry in gallery.entries():
        stem = entry.picture.rsplit(".", 1)[0]
        assert f'{stem}.{"html" if entry.shots else entry.picture.rsplit(".", 1)[1]}"' in entry.code


def test_pictures_are_small_and_not_blank():
    pictures = sorted((DOCS / "gallery").iterdir())
    assert sum(path.stat().st_size for path in pictures) < 600_000
    matplotlib_image = pytest.importorskip("matplotlib.image", reason="reading pictures needs matplotlib")
    for path in pictures:
        if path.suffix == ".png":
            pixels = matplotlib_image.imread(path)
            assert min(pixels.shape[:2]) > 150, path.name
            assert len(np.unique(pixels[::3, ::3].reshape(-1, pixels.shape[-1]), axis=0)) > 15, path.name
        else:
            root = xml.etree.ElementTree.parse(path).getroot()
            assert root.tag.endswith("svg")
            assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 5, path.name
