"""Whether a checkpoint was written whole: the process may have been killed, or the machine have died, in the midst.

transformers writes `trainer_state.json` last, but syncs nothing: after a power cut it may stand there beside weights
that never reached the disk. So once a checkpoint is saved its files are synced, and a list of them with their sizes is
written, last of all. A checkpoint without the list was cut short after its last file or before; then its files must
show by themselves that they have their ends.
"""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from journeyman.sandbox.home import sync_folder

MARK = "whole.json"
STATE = "trainer_state.json"
_WEIGHTS = ("model*.safetensors", "adapter_model*.safetensors", "pytorch_model*.bin", "adapter_model*.bin",
            "pytorch_model_fsdp*")  # fmt: skip
"""Whole or in shards, of all or of adapters, and FSDP's own folder or file."""
_ZIPS = frozenset({".pt", ".pth", ".bin"})
"""What `torch.save` writes is a zip archive, whose directory stands at its end."""


def step_of(checkpoint: Path | str) -> int:
    """The step after which a checkpoint was written; -1 for a folder that is named like none."""
    number = Path(checkpoint).name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def mark_whole(checkpoint: Path) -> None:
    """Sync a checkpoint's files and list them.

    Raises:
        OSError: the disk refused.
    """
    sizes = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        elif path.name != MARK:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            sizes[path.relative_to(checkpoint).as_posix()] = path.stat().st_size
    sync_folder(checkpoint)
    partial = checkpoint / (MARK + ".partial")
    with partial.open("w") as file:
        json.dump(sizes, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(checkpoint / MARK)
    sync_folder(checkpoint)
    sync_folder(checkpoint.parent)


def is_whole(checkpoint: Path) -> bool:
    """Whether it can be resumed from: a name with a step, the trainer's state, weights, an optimiser, and every file
    with its end."""
    if step_of(checkpoint) < 0 or not any(next(checkpoint.glob(name), None) for name in _WEIGHTS):
        return False
    try:
        if not any(checkpoint.glob("optimizer*")) or not all(path.exists() for path in _shards(checkpoint)):
            return False
        int(json.loads((checkpoint / STATE).read_text())["global_step"])
        listed = json.loads((checkpoint / MARK).read_text()) if (checkpoint / MARK).exists() else {}
        sizes = {name: (checkpoint / name).stat().st_size for name in listed}
        return sizes == listed and all(map(_has_its_end, checkpoint.rglob("*")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _shards(checkpoint: Path) -> Iterator[Path]:
    """The files that an index of the weights names."""
    for index in checkpoint.glob("*.index.json"):
        yield from (checkpoint / name for name in set(json.loads(index.read_text())["weight_map"].values()))


def _has_its_end(path: Path) -> bool:
    if path.suffix == ".safetensors":
        return _safetensors_bytes(path) == path.stat().st_size
    if path.suffix in _ZIPS:
        return zipfile.is_zipfile(path)
    if path.suffix == ".json":
        json.loads(path.read_text())
    return True


def _safetensors_bytes(path: Path) -> int:
    """The length that the file's own header gives it: eight bytes, the header, the tensors.

    Raises:
        ValueError: it has no such header.
    """
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            raise ValueError("no header")
        (length,) = struct.unpack("<Q", start)
        if length > path.stat().st_size:
            raise ValueError("the header is longer than the file")
        header = json.loads(file.read(length))
    ends = (tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__")
    return 8 + int(length) + max(ends, default=0)
