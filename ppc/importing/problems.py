"""What can keep a model from being imported: collected node by node, told all at once.

Every refusal says which node it is about and what to do instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ppc.errors import Diagnostic, Note, PpcError


class RefusedError(Exception):
    """A node cannot be expressed. Caught by the conversion, which goes on with the other nodes."""

    def __init__(self, message: str, *, rewrite: str, code: str = "PPC604") -> None:
        super().__init__(message)
        self.message, self.rewrite, self.code = message, rewrite, code


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One node, and why it cannot be imported."""

    node: str
    op: str
    opset: int
    code: str
    message: str
    rewrite: str

    def __str__(self) -> str:
        text = f"{self.op} `{self.node}` (opset {self.opset})"
        text += f": {self.message}" if self.message else ""
        return f"{text}\n      instead: {self.rewrite}"


# What to write instead of an operator that the language does not have.
REWRITES = {
    "LogSoftmax": "leave it out (the largest class is the same), or use Softmax",
    "LeakyRelu": "use Relu; a private comparison costs the same and needs no second slope",
    "PRelu": "use Relu",
    "Elu": "use Relu, or Tanh",
    "Selu": "use Relu, or Tanh",
    "Gelu": "use Relu, and train again for a few epochs",
    "Erf": "this is a part of GELU: use Relu, and train again for a few epochs",
    "HardSigmoid": "use Sigmoid",
    "HardSwish": "use Relu, and train again for a few epochs",
    "Softplus": "use Relu",
    "GlobalMaxPool": "use a MaxPool whose kernel is the whole height and width, or GlobalAveragePool",
    "LRN": "use BatchNormalization, or leave it out",
    "InstanceNormalization": "use BatchNormalization",
    "LayerNormalization": "use BatchNormalization",
    "GroupNormalization": "use BatchNormalization",
    "ConvTranspose": "use Conv; upsampling is not supported",
    "Resize": "use Conv with stride; upsampling is not supported",
    "Upsample": "use Conv with stride; upsampling is not supported",
    "Sub": "scale the data before it is given to the model, or fold the constant into the next layer's bias",
    "Mul": "scale the data before it is given to the model, or fold the constant into the layer before",
    "Div": "scale the data before it is given to the model, or fold the constant into the layer before",
    "Sum": "use Add for two values at a time",
    "ReduceMax": "use MaxPool",
    "Split": "compute the parts with a Conv or Gemm each",
    "Slice": "compute the part with a Conv or Gemm of its own",
    "Gather": "compute the part with a Conv or Gemm of its own",
    "LSTM": "recurrent networks are not supported",
    "GRU": "recurrent networks are not supported",
    "RNN": "recurrent networks are not supported",
    "If": "export the model with its branches resolved",
    "Loop": "export the model with its loops unrolled",
    "Attention": "attention is not supported",
    "QLinearConv": "export the model before quantisation",
    "QuantizeLinear": "export the model before quantisation",
    "DequantizeLinear": "export the model before quantisation",
}
ANYTHING = "rewrite it with Conv, Gemm, pooling, Relu, Sigmoid, Tanh, Softmax, BatchNormalization, Add or Concat"

_MESSAGES = {
    "PPC601": "{count} of the model cannot be expressed in the language.",
    "PPC604": "{count} of the model compute something of a form that the language does not have.",
}


def raised(problems: Sequence[Problem]) -> PpcError:
    """All problems: one diagnostic for each kind, one note for each node."""
    diagnostics: list[Diagnostic] = []
    for code, message in _MESSAGES.items():
        found = [problem for problem in problems if problem.code == code]
        if found:
            count = "One node" if len(found) == 1 else f"{len(found)} nodes"
            text = message.format(count=count)
            text = text.replace("compute something", "computes something") if len(found) == 1 else text
            notes = tuple(Note(text=str(problem)) for problem in found)
            diagnostics.append(Diagnostic(code=code, message=text, notes=notes))
    return PpcError(*diagnostics)
