"""Models of other systems, made into programs: ONNX files, and torch modules by way of ONNX.

Called by the command line. Knows the language (it writes and compiles programs), but nothing of parties or fields.
"""

from ppc.importing.commands import Written, import_model

__all__ = ["Written", "import_model"]
