"""Two repairs of CrypTen 0.4.1, in the environment that runs this, so that it imports and exports on torch 2.13."""

import sys
from pathlib import Path

PACKAGES = Path(sys.prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
MARK = "moved in newer torch"
REPAIRS = {
    "    from torch.onnx._internal.registration import registry  # noqa\n": (
        "    try:\n"
        "        from torch.onnx._internal.registration import registry  # noqa\n"
        f"    except ImportError:  # {MARK}\n"
        "        from torch.onnx._internal.torchscript_exporter.registration import registry  # noqa\n"
    ),
    '        "opset_version": _OPSET_VERSION,\n': (
        '        "opset_version": _OPSET_VERSION,\n'
        '        "dynamo": False,  # since torch 2.9 another exporter is the default\n'
    ),
}


def main() -> None:
    path = PACKAGES / "crypten" / "nn" / "onnx_converter.py"
    text = path.read_text()
    if MARK not in text:
        for old, new in REPAIRS.items():
            text = text.replace(old, new)
        path.write_text(text)
    print(f"repaired {path}")


if __name__ == "__main__":
    main()
