"""The one module that knows all rooms: from source text to placed graphs.

`check` looks at everything a program says, ranges of its plans included; `compile_program` follows one private block to
its last graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ppc.compiled import Compiled as Compiled
from ppc.compiled import unsendable
from ppc.errors import Diagnostic, Note, PpcError, fail
from ppc.grammar.arguments import nearest
from ppc.grammar.bodies import Body
from ppc.grammar.parse import parse_all
from ppc.grammar.resolve import Resolved, resolve
from ppc.grammar.trainers import Lessons
from ppc.ir.collaborative import Pate
from ppc.ir.policy import ON_SHARES, PUBLIC, Evaluation, Owner, Policy, Training
from ppc.passes.base import Pass, Step, steps
from ppc.passes.differentiate import Differentiate
from ppc.passes.fewer_bits import advised
from ppc.passes.fit_ranges import DEFAULT_FRACTION
from ppc.passes.infer_shapes import InferShapes
from ppc.passes.pipeline import pipeline
from ppc.passes.prepare_inference import PrepareInference
from ppc.plan.wires import Wire
from ppc.protocol import check_ranges
from ppc.source import Source, Span


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Everything a program says, compiled: each private block's inference, and training where there is one."""

    source: Source
    resolved: Resolved
    compiled: tuple[Compiled, ...]


def read_source(source: str | Path | Source) -> Source:
    """A program given as text, as a path (a `Path`, or one line that ends in .pnn), or read already."""
    if isinstance(source, Source):
        return source
    if isinstance(source, str):
        if "\n" in source or not source.endswith(".pnn"):
            return Source("<text>", source)
        source = Path(source)
    try:
        return Source(str(source), source.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise fail("PPC501", f"{source} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise fail("PPC502", f"{source} is not UTF-8 text.", hint="Is this a program? Save it as UTF-8.") from None


def check(source: str | Path | Source) -> Checked:
    """Look for every mistake of a program; all that are found are raised at once."""
    text = read_source(source)
    resolved, mistakes = _understood(text)
    compiled: list[Compiled] = []
    for job in _jobs(text, resolved):
        try:
            compiled.append(_compile(job))
            if job.training and job.training.evaluation:
                _after_passes(job.evaluating(job.training.evaluation))
        except PpcError as error:
            mistakes += error.diagnostics
    mistakes += _overflows(compiled)
    mistakes += _mistaken_shapes(resolved)
    mistakes += _untrained(resolved)
    mistakes += _unlearnable(text, resolved)
    mistakes += unsendable(resolved.labels, compiled)
    if not mistakes and not resolved.bodies:
        mistakes.append(_no_model())
    if mistakes:
        raise PpcError(*dict.fromkeys(mistakes), source=text)
    return Checked(source=text, resolved=resolved, compiled=tuple(compiled))


def compile_program(
    source: str | Path | Source,
    *,
    model: str | None = None,
    as_: str | None = None,
    train: bool = False,
    batch: int | None = None,
    kept: Mapping[str, Wire] | None = None,
    evaluate: bool = False,
    change: Callable[[Policy], Policy] | None = None,
) -> Compiled:
    """Compile one model under one private block; with `train`, one step of its training, or with `evaluate` what
    measures it. What is `kept` on shares by an earlier run takes the place of the weights that their owner brings.
    `change` makes another private block of the one that is written, to ask what it would cost."""
    text, resolved = _faultless(source)
    try:
        body = _chosen_body(resolved, model, as_)
        policy = _chosen_policy(resolved, body, as_)
        policy = change(policy) if change and policy else policy
        training = _training(resolved, body) if train or evaluate else None
        if training and policy and (mistake := _untrainable(training, policy)):
            raise PpcError(mistake)
        if training and policy:
            policy = _trained(policy, training)
        job = _Job(text, body, policy, _of_pair(training, policy), batch)
        if evaluate:
            job = job.evaluating(_evaluation(body, training))
        elif kept:
            job = job.on_shares()
        return replace(_compile(job), kept=kept or {})
    except PpcError as error:
        raise error.located(text) from None


def _evaluation(body: Body, training: Training | None) -> Evaluation:
    if training is None or training.evaluation is None:
        raise fail(
            "PPC131",
            f"The train block of `{body.graph.name}` does not say what to evaluate.",
            span=training.span if training else body.span,
            hint="Add a line such as `evaluate accuracy to hospital`.",
        )
    return training.evaluation


@dataclass(frozen=True)
class _Job:
    """One thing to compile."""

    text: Source
    body: Body
    policy: Policy | None
    training: Training | None
    batch: int | None = None
    evaluation: Evaluation | None = None

    @property
    def size(self) -> int:
        return self.batch or (self.training.batch if self.training else 1)

    def on_shares(self) -> _Job:
        """The same with weights that nobody holds."""
        if self.policy is None:
            return self
        weights = replace(self.policy.weights, party=ON_SHARES)
        return replace(self, policy=replace(self.policy, weights=weights))

    def evaluating(self, evaluation: Evaluation) -> _Job:
        return replace(self.on_shares(), evaluation=evaluation)


def training_of(source: str | Path | Source, *, model: str | None = None, as_: str | None = None) -> Training | Lessons:
    """What the train block of a model says, or the only one; it names the trainer."""
    text, resolved = _faultless(source)
    try:
        trained = [*resolved.trainings, *resolved.lessons]
        body = _chosen_body(resolved, model or (trained[0] if len(trained) == 1 and as_ is None else None), as_)
        return resolved.lessons.get(body.graph.name) or _training(resolved, body)
    except PpcError as error:
        raise error.located(text) from None


def pairs_of(source: str | Path | Source, *, model: str | None = None, as_: str | None = None) -> tuple[str, ...]:
    """Of several data owners that train in turn, the private block of each, in the order of their turns; empty, where
    one pair trains alone, or was chosen."""
    text, resolved = _faultless(source)
    try:
        body = _chosen_body(resolved, model, as_)
        training, first = resolved.trainings.get(body.graph.name), _chosen_policy(resolved, body, as_)
    except PpcError as error:
        raise error.located(text) from None
    if as_ is not None or first is None or training is None:
        return ()
    same = {one.spoke: one.name for one in resolved.policies if one.model == first.model and one.span == first.span}
    return tuple(same[party] for party in training.turns if party in same)


def labels_of(source: str | Path | Source) -> tuple[Pate, ...]:
    """What the program's label blocks say."""
    return _faultless(source)[1].labels


def _training(resolved: Resolved, body: Body) -> Training:
    found = resolved.trainings.get(body.graph.name)
    if found is None:
        raise _no_training(resolved, body)
    return found


def _faultless(source: str | Path | Source) -> tuple[Source, Resolved]:
    """A program without mistakes, and its text."""
    text = read_source(source)
    resolved, mistakes = _understood(text)
    if mistakes:
        raise PpcError(*mistakes, source=text)
    return text, resolved


def _understood(text: Source) -> tuple[Resolved, list[Diagnostic]]:
    parsed = parse_all(text)
    name = Path(text.name).name
    resolved = resolve(parsed.program, source=name, whole=parsed.whole)
    return resolved, [*parsed.mistakes, *resolved.mistakes]


def _jobs(text: Source, resolved: Resolved) -> Iterator[_Job]:
    """What there is to compile: each model under each of its private blocks, for inference and for training."""
    for name, body in resolved.bodies.items():
        policies = [policy for policy in resolved.policies if policy.model == name]
        training = resolved.trainings.get(name)
        if not policies:
            yield _Job(text, body, None, training)
        for policy in policies:
            yield _Job(text, body, policy, None)
            if training and not _untrainable(training, policy):
                yield _Job(text, body, _trained(policy, training), _of_pair(training, policy))


def _compile(job: _Job) -> Compiled:
    try:
        return _after_passes(job)
    except PpcError as error:
        raise _with_advice(error, job) from None


def _with_advice(error: PpcError, job: _Job) -> PpcError:
    """Fewer fraction bits with which the program compiles, to its scales."""
    policy = job.policy
    if policy is None or policy.joint is None:
        return error
    joint = policy.joint

    def attempt(fraction: int) -> None:
        fewer = replace(policy, joint=replace(joint, fraction=fraction))
        compiled = _after_passes(replace(job, policy=fewer))
        if job.evaluation is None and (job.training is None or job.training.by == "joint"):
            check_ranges(compiled, advise=False)

    return advised(error, joint.fraction or DEFAULT_FRACTION, attempt)


def _after_passes(job: _Job) -> Compiled:
    graph = job.body.graph
    done = (Step(name="source", graph=graph, seconds=0.0), *steps(graph, _passes(job)))
    return Compiled(
        source=job.text,
        policy=job.policy,
        training=job.training,
        evaluation=job.evaluation,
        batch=job.size,
        steps=done,
    )


def _passes(job: _Job) -> tuple[Pass, ...]:
    promised, span = job.body.promise, job.body.graph.output("result").span
    if job.policy is not None:
        return pipeline(
            job.policy,
            job.training,
            batch=job.size,
            promise=promised,
            promise_span=span,
            evaluation=job.evaluation,
        )
    prepare = PrepareInference() if job.training is None else Differentiate(training=job.training)
    return (InferShapes(job.size, None, promised, span), prepare)


def _overflows(compiled: Sequence[Compiled]) -> list[Diagnostic]:
    """What the plans of joint blocks have no room for: a layer is blamed once, whichever blocks it overflows in."""
    found: dict[tuple[str, Span | None], Diagnostic] = {}
    for one in compiled:
        if one.policy is None or one.policy.joint is None or (one.training and one.training.by == "clear"):
            continue
        try:
            check_ranges(one)
        except PpcError as error:
            for diagnostic in error.diagnostics:
                found.setdefault((diagnostic.code, diagnostic.span), diagnostic)
    return list(found.values())


def _mistaken_shapes(resolved: Resolved) -> Iterator[Diagnostic]:
    """Shapes that do not fit, in the understood lines of models with other mistakes."""
    for sketch in resolved.sketches:
        try:
            InferShapes().run(sketch)
        except PpcError as error:
            yield from error.diagnostics


def _untrained(resolved: Resolved) -> Iterator[Diagnostic]:
    """A train block that can follow none of its model's private blocks: nothing would carry it out."""
    for training in resolved.trainings.values():
        policies = [policy for policy in resolved.policies if policy.model == training.model]
        mistakes = [_untrainable(training, policy) for policy in policies]
        if mistakes and mistakes[0] and all(mistakes):
            yield mistakes[0]


def _unlearnable(text: Source, resolved: Resolved) -> Iterator[Diagnostic]:
    """Why a model cannot make the steps of its trainer: those that speak in phrases follow no private block."""
    for lessons in resolved.lessons.values():
        if body := resolved.bodies.get(lessons.model):
            try:
                _after_passes(_Job(text, body, None, lessons.step))
            except PpcError as error:
                yield from error.diagnostics


def _no_training(resolved: Resolved, body: Body) -> PpcError:
    name = body.graph.name
    if lessons := resolved.lessons.get(name):
        message = f"The trainer of `{name}` learns in the clear: there is no plan of a training step."
        return fail("PPC132", message, span=lessons.span, hint="`ppc train` carries it out.")
    return fail("PPC132", f"`{name}` has no train block.", span=body.span, hint=f"Add `train {name} {{ … }}`.")


def _trained(policy: Policy, training: Training) -> Policy:
    """The private block as its training follows it. A model that is split is trained before: by the party that holds
    the labels, in the clear, on examples of its own."""
    if not (policy.cut or policy.complement):
        return policy
    own = {name: Owner(party=training.labels.party, span=training.labels.span) for name in policy.owners}
    return replace(policy, owners=own, cut=None, complement=None, server_clear=None, joint=None)


def _of_pair(training: Training | None, policy: Policy | None) -> Training | None:
    """Of several data owners that train in turn, what the one of this block does."""
    return training.at(policy.spoke) if training and policy and policy.spoke and training.turns else training


def _untrainable(training: Training, policy: Policy) -> Diagnostic | None:
    """Why a training cannot follow a private block."""
    head = replace(training.span, end_line=training.span.line, end_column=training.span.column + len("train"))
    apart = policy.cut or policy.complement
    if apart and training.by == "joint":
        return Diagnostic(
            code="PPC115",
            message="Training a model jointly that is split or has a complement is not built yet.",
            span=head,
            notes=(Note(text="it is so here", span=apart.span),),
            hint=f"Its owner trains it, before it is split: write `train {training.model} by clear`.",
        )
    if training.turns and sorted(training.turns) != sorted(policy.spokes):
        return Diagnostic(
            code="PPC135",
            message="The data owners that train in turn are not those of this private block.",
            span=head,
            notes=(Note(text="its data owners are said here", span=policy.span),),
            hint="Name the same ones in both.",
        )
    training = _of_pair(training, policy) or training
    owners = {owner.party for owner in (*policy.owners.values(), training.labels)} - {PUBLIC}
    if training.order == "private" and len(owners) > 1:
        held = " and ".join(sorted(owners))
        return Diagnostic(
            code="PPC406",
            message=f"An order of the examples that only their owner knows needs one owner; {held} hold parts of them.",
            span=head,
            hint="Write `shuffle = public`: then everybody knows the order.",
        )
    if training.by == "joint" and policy.joint is None:
        return Diagnostic(
            code="PPC402",
            message=f"`{training.model}` is trained jointly, and its private block has no `joint` to say how.",
            span=head,
            hint="Add `joint` to the private block, or write `train … by clear` if one party holds everything.",
        )
    return None


def _no_model() -> Diagnostic:
    hint = "Begin with `model name(image: real[…]) -> real[…] {`."
    return Diagnostic(code="PPC123", message="The program defines no model.", hint=hint)


def _chosen_body(resolved: Resolved, model: str | None, as_: str | None) -> Body:
    """The model asked for; else the one whose private block was asked for, else the last one."""
    names = list(resolved.bodies)
    if not names:
        raise PpcError(_no_model())
    wanted = model or next((policy.model for policy in resolved.policies if policy.name == as_), names[-1])
    if wanted not in names:
        raise fail("PPC123", f"There is no model `{wanted}`.", hint=nearest(wanted, names))
    return resolved.bodies[wanted]


def _chosen_policy(resolved: Resolved, body: Body, as_: str | None) -> Policy | None:
    policies = [policy for policy in resolved.policies if policy.model == body.graph.name]
    named = {policy.name: policy for policy in policies}
    if as_ is None:
        return named.get(body.graph.name, policies[0] if policies else None)
    if as_ not in named:
        raise fail("PPC133", f"`{body.graph.name}` has no private block `{as_}`.", hint=nearest(as_, list(named)))
    return named[as_]
