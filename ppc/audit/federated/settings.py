"""What is attacked side by side: the program as it is, and one example with ever more to hide behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ppc.ir.selective import Clip, Noise, Selective, Upload

SHARES = (0.1, 0.01)
BATCH = 8  # the largest that gradient matching is tried on
MOST = 50  # examples of a participant, where the program is taken as it is


@dataclass(frozen=True)
class Setting:
    """How an update is made, and from how many examples of each participant."""

    name: str
    facts: Selective
    own: int
    control: bool = False

    @property
    def group(self) -> int:
        """Participants whose updates are seen as one."""
        return self.facts.participants if self.facts.aggregate == "additive" else 1

    @property
    def examples(self) -> int:
        return self.group * self.own

    @property
    def single(self) -> bool:
        """One step of gradient descent: the update is a gradient."""
        return self.facts.exchange == 1 or (self.facts.exchange == 0 and self.steps == 1)

    @property
    def steps(self) -> int:
        """Of a participant, in one exchange."""
        return self.facts.exchange or self.facts.local_epochs * -(-self.own // self.facts.batch)


def settings(facts: Selective, examples: int) -> Iterator[Setting]:
    """`examples` are there, for all participants together."""
    plain = replace(
        facts,
        upload=_largest(1.0),
        clip=None,
        noise=Noise(),
        aggregate="plain",
        batch=1,
        exchange=1,
        local_epochs=1,
        budget=None,
    )
    yield Setting("one example, all of its update", plain, 1, control=True)
    for share in SHARES:
        yield Setting(f"one example, the largest {share:.0%} of its update", replace(plain, upload=_largest(share)), 1)
    yield Setting(f"a batch of {BATCH}, all of its update", replace(plain, batch=BATCH), BATCH)
    yield Setting(
        f"a batch of {BATCH}, the largest {SHARES[0]:.0%} of its update",
        replace(plain, batch=BATCH, upload=_largest(SHARES[0])),
        BATCH,
    )
    yield _noisy(facts, plain)
    many = max(2, min(facts.participants, examples // 2))
    yield Setting(
        f"the sum of {many} participants on shares, an example each",
        replace(plain, aggregate="additive", clip=Clip(bound=1.0), participants=many),
        1,
    )
    yield _itself(facts, examples)


def _itself(facts: Selective, examples: int) -> Setting:
    used = facts.batch * facts.exchange if facts.exchange else MOST
    own = max(1, min(MOST, used, examples // (2 * facts.participants)))
    return Setting("the program as it is", replace(facts, budget=None), own)


def _noisy(facts: Selective, plain: Selective) -> Setting:
    """The program's noise, or as much as the length that updates are clipped to."""
    amount = facts.noise.amount if facts.noise.kind == "gaussian" else 1.0
    length = facts.clip.bound if facts.clip and facts.clip.whole else facts.rate
    clip, noise = Clip(bound=length, whole=True), Noise(kind="gaussian", amount=amount)
    whole = Upload(share=1.0, how="random")
    name = f"one example, clip norm {length:g}, noise gaussian {amount:g}"
    return Setting(name, replace(plain, upload=whole, clip=clip, noise=noise), 1)


def _largest(share: float) -> Upload:
    return Upload(share=share, how="largest")
