"""The page of all error codes: docs/troubleshooting.md, behind its hand-written beginning."""

from __future__ import annotations

from collections.abc import Iterator

from ppc.codes import CODES

PAGE = "docs/troubleshooting.md"
BEGIN = "<!-- From here on a test writes this page from ppc/codes: pytest --update-golden tests/test_pages.py -->\n"
FAMILIES = {
    "PPC1": "The language",
    "PPC2": "Names and shapes",
    "PPC3": "Numbers and ranges",
    "PPC4": "Who may see what",
    "PPC50": "Files and machines",
    "PPC51": "Files and machines",
    "PPC52": "Values and kernels",
    "PPC53": "Data sets",
    "PPC54": "Bundles",
    "PPC55": "Preprocessing files",
    "PPC56": "Preprocessing files",
    "PPC57": "Trainings",
    "PPC58": "Attacks on oneself",
    "PPC59": "Samples that train one network",
    "PPC6": "Models of other systems",
    "PPC65": "Runs of two parties",
    "PPC66": "Certificates and connections",
    "PPC67": "Numbers of no honest run",
    "PPC68": "Trainings of many participants",
}


def family(code: str) -> str:
    """The longest beginning counts."""
    return next(FAMILIES[code[:length]] for length in (5, 4) if code[:length] in FAMILIES)


def lines() -> Iterator[str]:
    last = ""
    for code, row in sorted(CODES.items()):
        if (found := family(code)) != last:
            yield f"## {found}\n"
            last = found
        yield f'<a id="{code.lower()}"></a>**{code}** {row.title}\n'
        yield f"{row.explanation}\n"


def written() -> str:
    return "\n".join(lines())
