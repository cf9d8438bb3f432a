from collections.abc import Sequence
from typing import Any

from dp_accounting import DpEvent
from numpy.typing import NDArray

class RdpAccountant:
    def __init__(self, orders: Sequence[float] | None = None) -> None: ...
    def compose(self, event: DpEvent, count: int = 1) -> RdpAccountant: ...
    def get_epsilon(self, target_delta: float) -> float: ...

def compute_epsilon(
    orders: Sequence[float], rdp: Sequence[float] | NDArray[Any], delta: float
) -> tuple[float, float]: ...
