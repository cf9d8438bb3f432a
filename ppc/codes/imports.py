"""6xx: models of other systems."""

from __future__ import annotations

from ppc.codes.base import codes

IMPORTS = codes(
    PPC601=(
        "operator not supported",
        """The model uses an operator that the language of ppc does not have. The message lists every such node with
        its operator, its opset and what to use instead: change the model where it is trained, and export it
        again.""",
    ),
    PPC602=(
        "no onnx model",
        """The file is not an ONNX model, was cut off or changed on its way, or breaks the rules of the format. It
        was checked with onnx's own checker.""",
    ),
    PPC603=(
        "import would change the answer",
        """Sample inputs went through onnx's own evaluator and through the program that the import wrote, and the
        answers differ. Nothing was written: a model that is silently wrong is worse than none. The message names
        the largest difference and, if it can be told, the first layer where the two part. Please report it with
        the model.""",
    ),
    PPC604=(
        "form not supported",
        """The model computes something of a form that a program cannot say: a size that is not a number, padding
        that is not alike on both sides, a dilated window, a pooling that rounds up, several outputs, a reshape
        that mixes examples. The message lists every node and what to use instead.""",
    ),
    PPC605=(
        "opset not supported",
        """An operator may change its meaning with the version of ONNX's operator set, so ppc reads only versions
        that its tests have seen. Export the model with one of those.""",
    ),
    PPC606=(
        "torch model not importable",
        """`ppc import package.module:function` imports the module, calls the function, and exports the torch module
        that it returns. One of these steps failed, in code that is not part of ppc; the message says which, and
        with what error. The imported code is run with your rights: import only what you trust.""",
    ),
)
