"""Golden files: what a test printed when somebody last read it and found it good.

A test calls `golden(name, text)`. `pytest --update-golden` writes what is printed now; the change is then reviewed
like code, in the diff.
"""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


class Golden:
    """Compares texts with files, or writes them."""

    def __init__(self, *, update: bool) -> None:
        self.update = update

    def __call__(self, name: str, text: str) -> None:
        path = FOLDER / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing; make it with `pytest --update-golden` and read it"
        kept = path.read_text("utf-8")
        difference = "".join(unified_diff(kept.splitlines(True), text.splitlines(True), "golden", "printed now"))
        assert text == kept, f"{path.name} differs; if it should, run `pytest --update-golden`\n{difference}"
