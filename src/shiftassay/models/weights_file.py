"""Files of weights: a state dict by torch.save, or safetensors. No code in them is run."""

import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from shiftassay.errors import BadInput
from shiftassay.imagesets.limits import check_memory, check_ratio

ADVICE = "Save model.state_dict(), nothing around it, with torch.save or safetensors."


def read_file(path: Path) -> Any:
    """What a `.safetensors` file, or one written by torch.save, holds.

    No code in it is run. Raises `BadInput`.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file of weights.")
    try:
        check_size(path)
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except BadInput:
        raise
    except Exception as error:  # a damaged or foreign file may raise anything
        raise BadInput(f"{path}: can't be read as weights ({type(error).__name__}). {ADVICE}") from None


def check_size(path: Path) -> None:
    """Raise `BadInput` for a file that takes too much memory.

    Compressed archives count as unpacked, since torch unpacks them.
    """
    held = unpacked = path.stat().st_size
    if path.suffix != ".safetensors" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        check_ratio(unpacked, held, str(path))
    check_memory(unpacked, 0, str(path))


def tensors_of(content: Any, path: Path) -> dict[str, torch.Tensor]:
    """A state dict, if that is what it is. Raises `BadInput`."""
    if not isinstance(content, dict) or not content or not all(isinstance(t, torch.Tensor) for t in content.values()):
        is_dict = isinstance(content, dict)
        holds = f"a dictionary of {', '.join(map(str, content))}" if is_dict else f"a {type(content).__name__}"
        raise BadInput(f"{path}: holds {holds[:200]}, not tensors by name. {ADVICE}")
    return content
