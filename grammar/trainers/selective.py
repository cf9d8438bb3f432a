"""`train … by selective`: many participants, a parameter server, and which part of an update is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ppc.grammar import syntax
from ppc.grammar.arguments import Reader
from ppc.grammar.trainers.phrases import Block, Line, Phrase
from ppc.grammar.units import TIMES
from ppc.ir.policy import LOSSES
from ppc.ir.selective import Budget, Clip, Noise, Selective, Upload

LINES = (
    Line(word="participants", example="participants 10", needed="how many participants there are"),
    Line(word="upload", example="upload 10% largest", needed="which part of an update is sent"),
    Line(word="rounds", example="rounds 10", needed="how many rounds there are"),
    Line(word="download", example="download 100%"),
    Line(word="clip", example="clip 0.01"),
    Line(word="noise", example="noise gaussian 1.1"),
    Line(word="budget", example="budget 8 delta 1e-5"),
    Line(word="order", example="order round_robin"),
    Line(word="exchange", example="exchange every 5 batches"),
    Line(word="scale", example="scale 0.3"),
    Line(word="decay", example="decay 0.99"),
    Line(word="local", example="local epochs 1"),
    Line(word="aggregate", example="aggregate additive"),
    Line(word="least", example="least 8 within 30s"),
    Line(word="rate", example="rate 0.01"),
    Line(word="batch", example="batch 32"),
    Line(word="loss", example="loss = softmax_cross_entropy", kind=syntax.Option),
)
ORDERS: tuple[Literal["round_robin", "random", "asynchronous"], ...] = ("round_robin", "random", "asynchronous")
MOST_PARTICIPANTS = 10_000
MOST = 1_000_000  # rounds, epochs, batches; what is sensible is far below


def resolve_selective(block: syntax.Train, _parties: Sequence[str], reader: Reader) -> Selective | None:
    """The facts of a block, or None where it has mistakes."""
    before = len(reader.mistakes)
    lines = Block("A selective training", block.model.span, block.lessons, LINES, reader)
    least, wait = _least(lines.phrase("least"))
    order = _order(lines.phrase("order"))
    found = Selective(
        model=block.model.text,
        participants=_count(lines.phrase("participants"), "The number of participants", 1, MOST_PARTICIPANTS),
        upload=_upload(lines.phrase("upload")),
        download=_download(lines.phrase("download")),
        clip=_clip(lines.phrase("clip")),
        noise=_noise(lines.phrase("noise")),
        budget=_budget(lines.phrase("budget")),
        order=order,
        exchange=_exchange(lines.phrase("exchange"), at_once=order == "asynchronous"),
        scale=_real(lines.phrase("scale"), "The scale", 1.0),
        decay=_share(lines.phrase("decay"), "The decay", 0.99),
        rounds=_count(lines.phrase("rounds"), "The number of rounds", 1, MOST),
        local_epochs=_local(lines.phrase("local")),
        aggregate=_aggregate(lines.phrase("aggregate")),
        least=least,
        wait=wait,
        rate=_real(lines.phrase("rate"), "The rate", 0.01),
        batch=_count(lines.phrase("batch"), "The batch", 32, MOST),
        loss=lines.setting("loss", "`loss`", LOSSES) or "softmax_cross_entropy",
        span=block.span,
    )
    if len(reader.mistakes) == before:
        _judge(found, reader)
    return found if len(reader.mistakes) == before else None


def _judge(found: Selective, reader: Reader) -> None:
    """What fits word by word and not together."""
    noise, span = found.noise, found.noise.span
    if noise.kind != "none" and found.upload.how == "largest":
        message = (
            "Noise on the values does not cover which coordinates were the largest: their places tell of the data."
        )
        how = "random" if noise.kind == "gaussian" else "above 1e-4 random"
        hint = f"Write `upload {found.upload.share:.4g} {how}`, or leave the noise out."
        reader.blame("PPC134", message, found.upload.span, hint=hint)
    if noise.kind == "gaussian" and found.upload.above:
        message = "Gaussian noise on the values does not cover which coordinates lie above a threshold."
        hint = f"Write `upload {found.upload.share:.4g} random`, or `noise sparse_vector 1`, which covers both."
        reader.blame("PPC134", message, found.upload.span, hint=hint)
    if noise.kind == "gaussian" and not (found.clip and found.clip.whole):
        message = "Gaussian noise is measured in lengths of the whole update, and nothing bounds that length."
        reader.blame("PPC134", message, span, hint="Add a line such as `clip norm 1`.")
    if noise.kind == "sparse_vector" and (found.clip is None or found.clip.whole):
        message = "The sparse vector technique bounds each coordinate, and nothing does here."
        reader.blame("PPC134", message, span, hint="Add a line such as `clip 0.001`.")
    if found.budget and noise.kind == "none":
        message = "A budget of privacy needs noise: without it the total epsilon is infinite."
        reader.blame("PPC134", message, found.span, hint="Add a line such as `noise gaussian 1.1`.")
    if found.least > found.participants:
        message = f"There are {found.participants} participants, fewer than the {found.least} that are needed."
        reader.blame("PPC134", message, found.span, hint=f"Write at most `least {found.participants}`.")
    if found.aggregate == "additive":
        _judge_sums(found, reader)
    if found.aggregate == "additive" and found.order == "asynchronous":
        message = "Updates on shares are added a round at a time; asynchronous ones come one by one."
        reader.blame("PPC134", message, found.span, hint="Write `order round_robin`, or leave `aggregate` out.")


def _judge_sums(found: Selective, reader: Reader) -> None:
    """Sums on shares must fit the field, and may not be those of one."""
    if found.clip is None:
        message = "Sums on shares must not leave the field, and nothing bounds an update here."
        reader.blame("PPC134", message, found.span, hint="Add a line such as `clip 0.1`.")
    elif found.overflows:
        message = f"The sum of {found.participants} updates up to {found.most:g} does not fit the field of 2^61 - 1."
        reader.blame("PPC134", message, found.span, hint="Use a smaller `clip`, or less noise.")
    if found.needed < 2:
        message = "The sum of the updates of one participant is its update."
        reader.blame("PPC134", message, found.span, hint="Write at least `participants 2` and `least 2`.")


def _upload(phrase: Phrase | None) -> Upload:
    if phrase is None:
        return Upload(share=1.0, how="largest")
    share = _some(phrase, "What is uploaded")
    if phrase.took("above"):
        above = phrase.real("The threshold", 0.0, 1000)
        phrase.word("How coordinates are chosen", ("random",))
        phrase.end()
        return Upload(share=share, how="random", above=above, span=phrase.span)
    how = phrase.word("How coordinates are chosen", ("largest", "random"))
    phrase.end()
    return Upload(share=share, how="largest" if how == "largest" else "random", span=phrase.span)


def _download(phrase: Phrase | None) -> float:
    if phrase is None:
        return 1.0
    found = _some(phrase, "What is downloaded")
    phrase.end()
    return found


def _some(phrase: Phrase, what: str) -> float:
    """A share that is more than nothing. What is a coordinate or less is one coordinate."""
    found = phrase.share(what)
    if not found and not phrase.spoilt:
        hint = "Participants that exchange nothing learn alone: leave the server out, or write a small share, as 0.1%."
        phrase.reader.blame("PPC111", f"{what} is 0; it may be above 0 to 1, or to 100%.", phrase.span, hint=hint)
    return found


def _clip(phrase: Phrase | None) -> Clip | None:
    if phrase is None:
        return None
    whole = phrase.took("norm")
    bound = phrase.real("The bound", 1e-12, 1e6)
    phrase.end()
    return Clip(bound=bound, whole=whole)


def _noise(phrase: Phrase | None) -> Noise:
    if phrase is None or phrase.took("none"):
        return Noise()
    kinds: tuple[Literal["gaussian", "sparse_vector"], ...] = ("gaussian", "sparse_vector")
    kind = phrase.word("The noise", kinds)
    amount = phrase.real("The amount of noise" if kind == "gaussian" else "The epsilon of an upload", 1e-6, 1e6)
    phrase.end()
    return Noise(kind=kind, amount=amount, span=phrase.span)


def _budget(phrase: Phrase | None) -> Budget | None:
    if phrase is None:
        return None
    epsilon = phrase.real("The budget", 1e-6, 1e6)
    delta = 1e-5
    if phrase.took("delta"):
        delta = phrase.real("Delta", 1e-30, 1.0)
    phrase.end()
    return Budget(epsilon=epsilon, delta=delta)


def _order(phrase: Phrase | None) -> Literal["round_robin", "random", "asynchronous"]:
    if phrase is None:
        return "round_robin"
    found = phrase.word("The order", ORDERS)
    phrase.end()
    return found


def _exchange(phrase: Phrase | None, *, at_once: bool) -> int:
    """Batches between two exchanges, 0 for whole turns. Without order, updates of whole epochs add up and diverge."""
    if phrase is None:
        return 1 if at_once else 0
    phrase.word("How often", ("every",))
    if phrase.took("epoch"):
        phrase.end()
        return 0
    found = phrase.count("The number of batches", 1, MOST)
    phrase.word("The unit", ("batches",))
    phrase.end()
    return found


def _local(phrase: Phrase | None) -> int:
    if phrase is None:
        return 1
    phrase.word("What is local", ("epochs",))
    found = phrase.count("The number of local epochs", 1, MOST)
    phrase.end()
    return found


def _aggregate(phrase: Phrase | None) -> Literal["plain", "additive"]:
    if phrase is None:
        return "plain"
    kinds: tuple[Literal["plain", "additive"], ...] = ("plain", "additive")
    found = phrase.word("The way of adding", kinds)
    phrase.end()
    return found


def _least(phrase: Phrase | None) -> tuple[int, float]:
    """Participants that are needed, and seconds that one is waited for."""
    if phrase is None:
        return 0, 30.0
    least = phrase.count("The number of participants that are needed", 1, MOST_PARTICIPANTS)
    wait = phrase.real("How long a participant is waited for", 1e-3, 86400, TIMES) if phrase.took("within") else 30.0
    phrase.end()
    return least, wait


def _count(phrase: Phrase | None, what: str, otherwise: int, most: int) -> int:
    if phrase is None:
        return otherwise
    found = phrase.count(what, 1, most)
    phrase.end()
    return found


def _real(phrase: Phrase | None, what: str, otherwise: float) -> float:
    if phrase is None:
        return otherwise
    found = phrase.real(what, 1e-12, 1000)
    phrase.end()
    return found


def _share(phrase: Phrase | None, what: str, otherwise: float = 1.0) -> float:
    if phrase is None:
        return otherwise
    found = phrase.share(what)
    phrase.end()
    return found
