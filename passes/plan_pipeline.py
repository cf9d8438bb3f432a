"""The second half of the compiler's pipeline: from a placed graph to a plan that two parties can run.

Levels are the paper's own story (DESIGN in a line each): -O0 matrix products on unfolded operands and a mask at every
use; -O1 the specialised triples and one mask for each value; -O2 pools fused into convolutions, one opening for
truncation, sign and products, masks chosen by the dealer, rounds merged. A level never changes what is computed.
"""

from __future__ import annotations

from collections.abc import Mapping

from ppc.ir.policy import Evaluation, Joint, Policy, Training
from ppc.passes.base import Pass
from ppc.passes.checks.check_masks import CheckMasks
from ppc.passes.checks.check_ranges import CheckRanges
from ppc.passes.checks.check_rounds import CheckRounds
from ppc.passes.choose_masks import ChooseMasks
from ppc.passes.choose_scales import ChooseScales
from ppc.passes.choose_triples import ChooseTriples
from ppc.passes.deal_shifts import DealShifts
from ppc.passes.fold_norms import FoldNorms
from ppc.passes.fold_rate import FoldRate
from ppc.passes.fuse_kernels import FuseKernels
from ppc.passes.fuse_pools import FusePools
from ppc.passes.lowering.lower import Lower
from ppc.passes.plan_base import PlanPass
from ppc.passes.reuse_masks import ReuseMasks
from ppc.passes.schedule_rounds import ScheduleRounds
from ppc.plan.wires import Wire

LEVELS = (0, 1, 2)


def graph_passes(level: int) -> tuple[Pass, ...]:
    """What is done to the graph before it is lowered."""
    return (*([FusePools()] if level == 2 else []), FoldNorms(), FoldRate())


def lowering(
    policy: Policy,
    training: Training | None,
    *,
    level: int,
    batch: int,
    kept: Mapping[str, Wire] | None = None,
    evaluation: Evaluation | None = None,
) -> Lower:
    return Lower(
        policy=policy, training=training, level=level, batch=batch, kept=kept or {}, evaluates=evaluation is not None
    )


def plan_passes(policy: Policy, *, level: int) -> tuple[PlanPass, ...]:
    """All passes on the plan, in order."""
    joint = policy.joint or Joint(span=policy.span)
    local = joint.truncation == "local"
    scales = ChooseScales(fraction=joint.fraction, eager=level < 2, local=local, span=joint.span)
    shifts = (DealShifts(),) if local else ()
    masks = (ReuseMasks(), *shifts, *([ChooseMasks()] if level == 2 else []))
    checks = (CheckRounds(), CheckRanges(), CheckMasks())
    return (ChooseTriples(level=level, local=local), scales, *masks, ScheduleRounds(), FuseKernels(), *checks)
