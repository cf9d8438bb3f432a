"""The operators that an import knows, one row each."""

from __future__ import annotations

from ppc.importing import rules_plain as plain
from ppc.importing import rules_rows as rows
from ppc.importing import rules_windows as windows
from ppc.importing.call import Rule

RULES: dict[str, Rule] = {
    "Add": rows.add,
    "ArgMax": plain.argmax,
    "AveragePool": windows.average_pool,
    "BatchNormalization": rows.batch_norm,
    "Cast": plain.cast,
    "CastLike": plain.cast_like,
    "Clip": plain.clip,
    "Concat": rows.concat,
    "Conv": windows.conv,
    "Dropout": plain.dropout,
    "Flatten": plain.flatten,
    "Gemm": rows.gemm,
    "GlobalAveragePool": windows.global_average_pool,
    "Identity": plain.identity,
    "MatMul": rows.matmul,
    "MaxPool": windows.max_pool,
    "Pad": windows.pad,
    "ReduceMean": windows.reduce_mean,
    "Relu": plain.elementwise("relu"),
    "Reshape": plain.reshape,
    "Shape": plain.shape_of,
    "Sigmoid": plain.elementwise("sigmoid"),
    "Softmax": plain.softmax,
    "Squeeze": plain.squeeze,
    "Tanh": plain.elementwise("tanh"),
    "Transpose": plain.transpose,
    "Unsqueeze": plain.unsqueeze,
}
