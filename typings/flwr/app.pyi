# The calls of Flower 1.41 that ppc makes.
from collections.abc import Mapping

class ConfigRecord(dict[str, bool | int | float | str | bytes]): ...

class RecordDict(dict[str, ConfigRecord]):
    def __init__(self, records: Mapping[str, ConfigRecord] = ...) -> None: ...
    @property
    def config_records(self) -> Mapping[str, ConfigRecord]: ...

class Error:
    reason: str

class Message:
    content: RecordDict
    error: Error
    def __init__(
        self, content: RecordDict, *, dst_node_id: int = ..., message_type: str = ..., reply_to: Message = ...
    ) -> None: ...
    def has_error(self) -> bool: ...

class Context:
    run_id: int
    state: RecordDict
    run_config: Mapping[str, bool | int | float | str]
    node_config: Mapping[str, bool | int | float | str]
