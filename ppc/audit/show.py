"""Findings as text for people and as facts for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ppc.audit.finding import Finding

CAUTION = "`no advantage found` speaks of this attack with this knowledge and budget, and of nothing else."


def as_facts(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """What `--json` prints."""
    return [asdict(finding) for finding in findings]


def table(findings: Sequence[Finding]) -> Iterator[str]:
    """Three lines a finding: the verdict, what was measured, and under which conditions."""
    for finding in findings:
        control = " (positive control)" if finding.control else ""
        yield f"{finding.verdict:<20}{finding.attack} on {finding.target}{control}"
        low, high = finding.interval.low, finding.interval.high
        measured = f"{finding.metric} {finding.value:.3f} [{low:.3f}, {high:.3f}], baseline {finding.baseline:.3f}"
        yield f"{'':<20}{measured}"
        yield f"{'':<20}knows {finding.knowledge}; budget {finding.budget}"
    yield CAUTION
