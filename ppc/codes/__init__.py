"""Every error code: its title, and what `ppc explain CODE` says about it.

1xx language   2xx names and shapes   3xx numbers and ranges   4xx who may see what
5xx files and machines   53x data sets   54x bundles   55x preprocessing files   57x trainings   58x attacks
59x samples that train one network
6xx import from other systems
65x runs of two parties   66x certificates and connections   67x numbers of no honest run
68x trainings of many participants
"""

from __future__ import annotations

from ppc.codes.audits import AUDITS
from ppc.codes.base import Code
from ppc.codes.bundles import BUNDLES
from ppc.codes.datasets import DATASETS
from ppc.codes.distilled import DISTILLED
from ppc.codes.graphs import GRAPHS
from ppc.codes.imports import IMPORTS
from ppc.codes.kernels import KERNELS
from ppc.codes.language import LANGUAGE
from ppc.codes.machines import MACHINES
from ppc.codes.many import MANY
from ppc.codes.preps import PREPS
from ppc.codes.privacy import PRIVACY
from ppc.codes.runs import RUNS
from ppc.codes.trainings import TRAININGS
from ppc.codes.wire import WIRE

CODES: dict[str, Code] = {
    **LANGUAGE,
    **GRAPHS,
    **PRIVACY,
    **MACHINES,
    **KERNELS,
    **DATASETS,
    **BUNDLES,
    **PREPS,
    **TRAININGS,
    **AUDITS,
    **DISTILLED,
    **IMPORTS,
    **RUNS,
    **WIRE,
    **MANY,
}
