"""A training run's folder: resumable while it runs, marked when it is whole.

OUT/checkpoints/   the trainer's own, for resuming, the last two of them; removed at the end
OUT/model/         weights and tokenizer, as `from_pretrained` reads them
OUT/done.json      what was trained from what; written last, so its presence means that `model/` is whole
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from journeyman.training.whole import is_whole, step_of

DONE = "done.json"


class TrainingError(ValueError):
    """Base of what training refuses: the input or the folder is not as it must be. The message says the mend."""


class RunFolderError(TrainingError):
    """The folder holds a run with other settings; the message names both."""


def write_json(path: Path, value: Any) -> None:
    """Write a file whole or not at all, whenever the process dies: its presence means that what it says is done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # several processes of a run may write it
    partial.write_text(json.dumps(value, indent=1))
    partial.replace(path)


def make_folder(folder: Path) -> None:
    """Raises: RunFolderError: it cannot be made, as where a file has its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder}: no folder can be made there ({error.strerror}); choose another") from error


class RunFolder:
    """One training run on the disk. `settings` decide whether a run in the folder is this one."""

    def __init__(self, folder: Path | str, settings: dict[str, Any]) -> None:
        self.folder = Path(folder)
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.model, self.checkpoints = self.folder / "model", self.folder / "checkpoints"

    def open(self) -> bool:
        """Make the folder; True when its run is finished already.

        Raises:
            RunFolderError: another run, with other settings, stands there, or one whose model was taken away; or no
                folder can be made, or written to.
        """
        make_folder(self.folder)
        path = self.folder / "settings.json"
        if path.exists():
            before = json.loads(path.read_text())
            if before != self.settings:
                names = sorted({*before, *self.settings})
                differing = ", ".join(name for name in names if before.get(name) != self.settings.get(name))
                raise RunFolderError(
                    f"{self.folder} holds a run with other settings ({differing}); choose another --out"
                )
        else:
            self._write_settings(path)
        done = self.folder / DONE
        if done.exists() and not self.model.exists():
            raise RunFolderError(f"{self.folder} is done, but its model is gone; remove {done} to train it again")
        return done.exists()

    def _write_settings(self, path: Path) -> None:
        try:
            write_json(path, self.settings)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error

    def last_checkpoint(self) -> str | None:
        """The newest checkpoint that was written whole, for the trainer's `resume_from_checkpoint`.

        Those that were cut short are renamed (`cut-short-8`), so that the trainer neither counts them among those that
        it keeps nor mixes its files with theirs.
        """
        found = sorted(self.checkpoints.glob("checkpoint-*"), key=step_of)
        for folder in found:
            if not is_whole(folder):
                aside = folder.with_name(f"cut-short-{step_of(folder)}")
                shutil.rmtree(aside, ignore_errors=True)
                with suppress(FileNotFoundError):  # another process of the run did it
                    folder.rename(aside)
        whole = [folder for folder in found if folder.exists()]
        return str(whole[-1]) if whole else None

    def finish(self, report: dict[str, Any]) -> None:
        """Mark the run whole and drop what only resuming needed."""
        write_json(self.folder / DONE, {"settings": self.settings, **report})
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def report(self) -> dict[str, Any]:
        """What `finish` wrote."""
        report: dict[str, Any] = json.loads((self.folder / DONE).read_text())
        return report
