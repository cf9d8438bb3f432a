"""Golden files: what a test printed when somebody last read it and found it good.

A test compares through the `golden` fixture. `pytest --update-golden` writes what is printed now; the change is then
reviewed like code, in the diff.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"
UPDATE = "--update-golden"


@dataclass(frozen=True, kw_only=True)
class Golden:
    """The golden files of one test, at a path that its name gives, or at one that it names itself."""

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
        """Compare with the test's own file; `part` names it where a test has several."""
        self.compare(self.stem.with_name(f"{self.stem.name}{'.' if part else ''}{part}.txt"), text)

    def named(self, name: str, text: str) -> None:
        """Compare with a file named below tests/golden."""
        self.compare(FOLDER / name, text)

    def compare(self, path: Path, text: str) -> None:
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"there is no {path}; `pytest {UPDATE}` writes it, then read it"
        kept = path.read_text(encoding="utf-8")
        difference = "".join(unified_diff(kept.splitlines(True), text.splitlines(True), "golden", "printed now"))
        assert text == kept, f"{path} differs; if that is meant, `pytest {UPDATE}`\n{difference}"
