"""A contact sheet: the images of a package, each with the three largest numbers of its label.

One SVG that needs nothing else, the same bytes for the same samples.
"""

from __future__ import annotations

import html
import struct
import zlib
from base64 import b64encode
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ppc.distilled.samples import Floats, Samples

ACROSS, SIDE, GAP, LINE, HEAD = 10, 84, 16, 14, 44
TOP = 3
STYLE = (
    "text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#1b2430}"
    ".heading{font-size:16px;font-weight:700}image{image-rendering:pixelated}"
)


def sheet(samples: Samples, *, name: str) -> str:
    """The whole picture."""
    rows = -(-len(samples) // ACROSS)
    wide = GAP + min(ACROSS, len(samples)) * (SIDE + GAP)
    high = HEAD + rows * (SIDE + TOP * LINE + GAP)
    title = f"{name}: {len(samples)} samples, each with the three largest numbers of its label"
    wide = max(wide, 8 * len(title))
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{wide}" height="{high}" fill="#ffffff"/>',
        f'<text x="{GAP}" y="28" class="heading">{html.escape(title)}</text>',
        *_cells(samples),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _cells(samples: Samples) -> Iterator[str]:
    for place, (image, label) in enumerate(zip(samples.images, samples.labels, strict=True)):
        row, column = divmod(place, ACROSS)
        x, y = GAP + column * (SIDE + GAP), HEAD + row * (SIDE + TOP * LINE + GAP)
        picture = b64encode(png(as_pixels(image))).decode()
        href = f'href="data:image/png;base64,{picture}"'
        yield f'<image x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" preserveAspectRatio="none" {href}/>'
        for line, number in enumerate(np.argsort(-label.astype(np.float64), kind="stable")[:TOP], 1):
            yield f'<text x="{x}" y="{y + SIDE + LINE * line - 2}">{number}: {float(label[number]):+.2f}</text>'


def as_pixels(image: Floats) -> NDArray[np.uint8]:
    """Grey from the smallest to the largest number; of several channels their mean, a row as one row of pixels."""
    flat = image.astype(np.float64)
    plane = flat.mean(axis=0) if flat.ndim == 3 else np.atleast_2d(flat)
    low, high = plane.min(), plane.max()
    return np.rint((plane - low) / max(high - low, 1e-12) * 255).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Grey pixels as a PNG (RFC 2083): every row begins with the number of its filter, none."""
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
