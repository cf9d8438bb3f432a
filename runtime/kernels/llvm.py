"""The only door to llvmlite: parse, verify, optimise, make an object file, load it.

Called by the kernel library. Knows text and bytes, nothing of fields.
"""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ppc.errors import InternalError
from ppc.runtime.kernels.variants import Variant

_PRESENT = find_spec("llvmlite") is not None  # there is no wheel for every machine; the slow path then takes over
if TYPE_CHECKING or _PRESENT:
    import llvmlite.binding as llvm


def present() -> bool:
    """Whether kernels can be compiled here at all."""
    return _PRESENT


@lru_cache(maxsize=1)
def _prepared() -> None:
    """LLVM's targets, and the one global switch: never turn a select back into a branch."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.set_option("ppc", "-x86-cmov-converter=false")
    llvm.set_option("ppc", "-disable-cgp-select2branch")


@lru_cache(maxsize=1)
def host_features() -> frozenset[str]:
    """The features of this machine's CPU, by LLVM's names."""
    if not _PRESENT:
        return frozenset()
    return frozenset(name for name, there in llvm.get_host_cpu_features().items() if there)


@lru_cache(maxsize=1)
def host_name() -> str:
    """What tells this kind of machine from another, for the cache."""
    version = ".".join(str(part) for part in llvm.llvm_version_info)
    return f"{platform.machine()} {llvm.get_host_cpu_name()} llvm {version}"


def _machine(variant: Variant) -> llvm.TargetMachine:
    _prepared()
    features = ",".join("+" + name for name in variant.features)
    target = llvm.Target.from_triple(variant.triple)
    return target.create_target_machine(
        cpu=variant.processor, features=features, opt=3, reloc="default", codemodel="jitdefault"
    )


def _optimised(text: str, machine: llvm.TargetMachine) -> llvm.ModuleRef:
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise InternalError(f"LLVM rejects a kernel: {error}", place="kernels") from error
    # The vectors are chosen by the generators; LLVM's own vectorisers would only undo that.
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_interleaving = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def compile_object(text: str, variant: Variant) -> bytes:
    """An object file for the variant."""
    machine = _machine(variant)
    return machine.emit_object(_optimised(text, machine))


def compile_assembly(text: str, variant: Variant) -> str:
    """The same as assembly, for people and tests."""
    machine = _machine(variant)
    return machine.emit_assembly(_optimised(text, machine))


class Code:
    """A loaded object file. Its functions are callable as long as this lives."""

    def __init__(self, image: bytes, variant: Variant) -> None:
        if platform.machine() not in variant.machines:
            raise InternalError(f"code for {variant.triple} on {platform.machine()}", place="kernels")
        machine = _machine(variant)
        module = llvm.parse_assembly(f'target triple = "{variant.triple}"')
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(image))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Where a function is."""
        address = self._engine.get_function_address(name)
        if not address:
            raise InternalError(f"no function {name} in a compiled kernel", place="kernels")
        return address
