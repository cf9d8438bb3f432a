"""Golden files: what a test produced, kept as text and reviewed like code.

A test compares through the `golden` fixture; `pytest --update-golden` writes what is produced now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
UPDATE = "--update-golden"


@dataclass(frozen=True, kw_only=True)
class Golden:
    """The golden files of one test, at a path that its name gives."""

    stem: Path
    update: bool

    @classmethod
    def of(cls, test: str, *, update: bool) -> Golden:
        """For a pytest node id such as `tests/ir/test_text.py::test_small[1]`."""
        file, _, name = test.partition("::")
        parts = (*Path(file).with_suffix("").parts, *re.sub(r"[^\w.-]+", "_", name).strip("_").split("::"))
        return cls(
            stem=FOLDER.joinpath(*(part.removeprefix("test_") for part in parts if part != "tests")), update=update
        )

    def check(self, text: str, *, part: str = "") -> None:
        """Compare with the file; `part` names it where a test has several."""
        path = self.stem.with_name(f"{self.stem.name}{'.' if part else ''}{part}.txt")
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"there is no {path}; `pytest {UPDATE}` writes it, then read it"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; if that is meant, `pytest {UPDATE}`"
