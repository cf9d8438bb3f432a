"""The contact sheet: pictures that any viewer reads, the same bytes for the same samples."""

from __future__ import annotations

import re
import struct
import zlib
from base64 import b64decode
from xml.etree import ElementTree

import numpy as np

from ppc.distilled.sheet import as_pixels, png, sheet
from tests.distilled.made import samples, target


def test_every_sample_has_its_picture_and_three_numbers() -> None:
    made = samples(target(), count=12)
    text = sheet(made, name="small")

    assert text == sheet(made, name="small")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert text.count("<image ") == 12
    assert len(re.findall(r"<text [^>]*>\d: [+-]\d+\.\d\d</text>", text)) == 36


def test_a_picture_is_a_whole_png() -> None:
    pixels = as_pixels(np.arange(12.0).reshape(1, 3, 4))
    data = png(pixels)
    width, height = struct.unpack(">II", data[16:24])
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(data[start + 4 : start + 4 + length]), np.uint8).reshape(3, 5)

    assert (width, height) == (4, 3)
    assert rows[:, 0].tolist() == [0, 0, 0]
    assert rows[:, 1:].tolist() == pixels.tolist()
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_the_largest_numbers_come_first() -> None:
    made = samples(target(), count=1)
    first = re.search(r"<text [^>]*>(\d): ", sheet(made, name="small"))

    assert first is not None
    assert int(first[1]) == int(made.labels[0].argmax())
    assert b64decode(re.findall(r"base64,([^\"]+)", sheet(made, name="small"))[0]).startswith(b"\x89PNG")
