"""What a wheel of ppc must hold: one top-level name, every room as real files, and the same whichever way it is made.

python scripts/look_into_wheel.py FROM_SDIST.whl FROM_CHECKOUT.whl
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

CHECKOUT = Path(__file__).resolve().parents[1]
DATA = ("ppc/py.typed", "ppc/grammar/pnn.lark")


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file of a wheel. RECORD repeats the hashes of the others in an order of its own."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}


def expected() -> set[str]:
    """Every module of the checkout, with the linked rooms under `ppc`."""
    modules = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "ppc").rglob("*.py")}
    for room in ("grammar", "passes", "runtime"):
        modules |= {Path("ppc") / path.relative_to(CHECKOUT) for path in (CHECKOUT / room).rglob("*.py")}
    return {path.as_posix() for path in modules} | set(DATA)


def mistakes(from_sdist: dict[str, bytes], from_checkout: dict[str, bytes]) -> list[str]:
    """What is wrong with the two; nothing, it is hoped."""
    tops = {name.partition("/")[0] for name in from_sdist if ".dist-info/" not in name}
    found = [f"top-level names are {sorted(tops)}, not ppc alone"] if tops != {"ppc"} else []
    found += [f"{name} is missing" for name in sorted(expected() - from_sdist.keys())]
    differing = {
        name for name in from_sdist.keys() | from_checkout.keys() if from_sdist.get(name) != from_checkout.get(name)
    }
    return found + [
        f"{name} differs between the wheel of the sdist and that of the checkout" for name in sorted(differing)
    ]


def main() -> int:
    found = mistakes(*(contents(Path(argument)) for argument in sys.argv[1:]))
    print(
        "\n".join(found) or f"One top-level name, {len(expected())} files as in the checkout, the same from the sdist."
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
