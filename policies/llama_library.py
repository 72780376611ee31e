"""llama.cpp's C interface, as far as we need it, out of the library that the package `xllamacpp` carries.

The package offers llama.cpp's server. That loses what we train on: of a token that ends within a UTF-8 character it
reports no log-probability. So the functions below it are called, which take token ids and give logits.

Parameter structures are passed by value and change between versions, so the package is pinned, and the defaults that
the library itself writes must stand where we believe the fields to be; else nothing is called.
"""

from __future__ import annotations

import collections
import ctypes
import importlib.metadata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from journeyman.policies.models import ModelError
from journeyman.policies.policy import PolicyError

PACKAGE = "xllamacpp"

_ROOM = 512
"""Bytes kept for a structure of parameters, several times what it has: the callee reads its own size."""
_F32, _F16 = 0, 1
"""`GGML_TYPE_F32` and `_F16`, of keys and values."""
_FLASH_OFF = 0
"""`LLAMA_FLASH_ATTN_TYPE_DISABLED`: on a CPU plain attention is a sixth faster."""


class _Parameters(ctypes.Structure):
    """Fields by offset in bytes: see `_CONTEXT`."""

    _fields_ = (("raw", ctypes.c_ubyte * _ROOM),)

    def get(self, kind: type[Any], offset: int) -> int:
        return int(kind.from_buffer(self, offset).value)

    def set(self, kind: type[Any], offset: int, value: int) -> None:
        kind.from_buffer(self, offset).value = value


_CONTEXT = {
    "n_ctx": (ctypes.c_uint32, 0, 512),
    "n_batch": (ctypes.c_uint32, 4, 2048),
    "n_ubatch": (ctypes.c_uint32, 8, 512),
    "n_seq_max": (ctypes.c_uint32, 12, 1),
    "n_threads": (ctypes.c_int32, 28, 4),
    "n_threads_batch": (ctypes.c_int32, 32, 4),
    "rope_scaling_type": (ctypes.c_int32, 40, -1),
    "flash_attn_type": (ctypes.c_int32, 52, -1),
    "type_k": (ctypes.c_int32, 104, _F16),
    "type_v": (ctypes.c_int32, 108, _F16),
    "embeddings": (ctypes.c_bool, 136, 0),
    "offload_kqv": (ctypes.c_bool, 137, 1),
    "kv_unified": (ctypes.c_bool, 141, 0),
}
"""Of `llama_context_params`: type, offset in bytes, and the default by which we know that it is there."""
_MODEL = {
    "n_gpu_layers": (ctypes.c_int32, 16, -1),
    "split_mode": (ctypes.c_int32, 20, 1),
}
"""Likewise of `llama_model_params`."""


class _Batch(ctypes.Structure):
    """`llama_batch`."""

    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.POINTER(ctypes.c_float)),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


def version() -> str:
    """Of the package, for an episode's record.

    Raises:
        ModelError: it is not installed.
    """
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError as error:
        raise ModelError("the sampler llamacpp needs xllamacpp: pip install 'journeyman[llamacpp]'") from error


@cache
def _library() -> Any:
    """The library, its functions typed and its structures known to be what we believe.

    Raises:
        ModelError: the package is missing, or is another version than the one that this module was written for.
    """
    found = version()
    import xllamacpp.xllamacpp as extension

    library = ctypes.CDLL(str(Path(extension.__file__)))
    pointer, integer = ctypes.c_void_p, ctypes.c_int32
    functions: dict[str, tuple[Any, list[Any]]] = {
        "llama_backend_init": (None, []),
        "llama_log_set": (None, [pointer, pointer]),
        "llama_model_default_params": (_Parameters, []),
        "llama_context_default_params": (_Parameters, []),
        "llama_model_load_from_file": (pointer, [ctypes.c_char_p, _Parameters]),
        "llama_model_free": (None, [pointer]),
        "llama_model_get_vocab": (pointer, [pointer]),
        "llama_vocab_n_tokens": (integer, [pointer]),
        "llama_init_from_model": (pointer, [pointer, _Parameters]),
        "llama_free": (None, [pointer]),
        "llama_n_ctx_seq": (ctypes.c_uint32, [pointer]),
        "llama_get_memory": (pointer, [pointer]),
        "llama_memory_seq_rm": (ctypes.c_bool, [pointer, integer, integer, integer]),
        "llama_memory_seq_cp": (None, [pointer, integer, integer, integer, integer]),
        "llama_decode": (integer, [pointer, _Batch]),
        "llama_get_logits_ith": (ctypes.POINTER(ctypes.c_float), [pointer, integer]),
    }
    try:
        for name, (result, arguments) in functions.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        pairs = ((library.llama_context_default_params(), _CONTEXT), (library.llama_model_default_params(), _MODEL))
        fits = all(p.get(kind, at) == default for p, fields in pairs for kind, at, default in fields.values())
    except AttributeError:
        fits = False
    if not fits:
        raise ModelError(
            f"xllamacpp {found} is laid out otherwise than the version that Journeyman knows: "
            "pip install 'journeyman[llamacpp]' installs that one"
        )
    library.llama_log_set(ctypes.cast(_LOG, pointer), None)
    library.llama_backend_init()
    return library


_ERROR = 4
_said: collections.deque[str] = collections.deque(maxlen=4)


def _keep_errors(level: int, text: bytes, data: Any) -> None:
    """llama.cpp's pages of log lines, of which only what went wrong is kept."""
    if level == _ERROR:
        _said.append(text.decode(errors="replace").strip())


_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_keep_errors)


class LlamaContext:
    """A model in llama.cpp and the keys and values of several sequences. From one thread at a time.

    Raises:
        ModelError: the package or the file cannot be used.
    """

    def __init__(self, path: Path, *, sequences: int, sequence_tokens: int, threads: int, exact: bool = False) -> None:
        """
        Args:
            sequence_tokens: room of each sequence.
            exact: keep keys and values as float32, in twice the memory and a tenth slower; else as float16.
        """
        self._library = _library()
        self.sequences = sequences
        self._context: Any = None
        self._model = self._library.llama_model_load_from_file(
            str(path).encode(), self._library.llama_model_default_params()
        )
        if not self._model:
            raise ModelError(f"llama.cpp cannot read {path}: {' '.join(_said)}")
        wanted = self._library.llama_context_default_params()
        values = {
            "n_ctx": sequences * sequence_tokens, "n_seq_max": sequences, "n_threads": threads,
            "n_threads_batch": threads, "kv_unified": 0, "flash_attn_type": _FLASH_OFF,
            "type_k": _F32 if exact else _F16, "type_v": _F32 if exact else _F16,
        }  # fmt: skip
        for name, value in values.items():
            kind, offset, _ = _CONTEXT[name]
            wanted.set(kind, offset, value)
        self._context = self._library.llama_init_from_model(self._model, wanted)
        if not self._context:
            self.close()
            raise ModelError(f"llama.cpp has no memory for {sequences} conversations of {sequence_tokens} tokens")
        self._memory = self._library.llama_get_memory(self._context)
        self.vocabulary = int(self._library.llama_vocab_n_tokens(self._library.llama_model_get_vocab(self._model)))
        self.sequence_tokens = int(self._library.llama_n_ctx_seq(self._context))
        self.max_batch = _CONTEXT["n_batch"][2]
        """Tokens that `read` takes at once."""

    def close(self) -> None:
        """Idempotent."""
        if self._context:
            self._library.llama_free(self._context)
        if self._model:
            self._library.llama_model_free(self._model)
        self._context = self._model = None

    def read(self, tokens: Sequence[tuple[int, int, int]], wanted: Sequence[int]) -> torch.Tensor:
        """Read tokens, each with its position and its sequence; logits (B, V) after those whose indices are wanted.

        Raises:
            PolicyError: llama.cpp cannot read them, for its memory is full or a token is none.
        """
        count = len(tokens)
        ids, positions, sequences = ((ctypes.c_int32 * count)(*column) for column in zip(*tokens, strict=True))
        outputs = (ctypes.c_int8 * count)()
        for index in wanted:
            outputs[index] = 1
        each = ctypes.POINTER(ctypes.c_int32)
        size = ctypes.sizeof(ctypes.c_int32)
        owners = (each * count)(*(ctypes.cast(ctypes.addressof(sequences) + size * i, each) for i in range(count)))
        ones = (ctypes.c_int32 * count)(*([1] * count))
        failed = self._library.llama_decode(self._context, _Batch(count, ids, None, positions, ones, owners, outputs))
        if failed:
            raise PolicyError(f"llama.cpp could not read {count} tokens (code {failed})")
        return torch.stack([self._logits(index) for index in wanted]) if wanted else torch.empty(0, self.vocabulary)

    def _logits(self, index: int) -> torch.Tensor:
        there = self._library.llama_get_logits_ith(self._context, index)
        values = (ctypes.c_float * self.vocabulary).from_address(ctypes.addressof(there.contents))
        return torch.frombuffer(values, dtype=torch.float32).clone()

    def forget(self, sequence: int, start: int = 0) -> None:
        """Drop a sequence's tokens from a position on."""
        self._library.llama_memory_seq_rm(self._memory, sequence, start, -1)

    def copy(self, source: int, target: int) -> None:
        """Give `target` all that `source` has read (llama.cpp copies whole sequences only)."""
        self._library.llama_memory_seq_cp(self._memory, source, target, -1, -1)
