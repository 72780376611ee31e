"""A transformers model as a GGUF file, which llama.cpp samples from.

Written by ourselves over the `gguf` package, since llama.cpp's own converter is a script of its repository that no
package carries. Every tensor and every setting that decides what the model computes has its place, or the export is
refused: a file that llama.cpp reads but computes otherwise would be worse than none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gguf
import numpy as np
import torch

from journeyman.policies.models import ModelError
from journeyman.policies.weights import whole_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ARCHITECTURES = {"llama": "LLAMA", "qwen2": "QWEN2", "qwen3": "QWEN3"}
"""transformers' `model_type`, and gguf's name of what computes the same."""
QUANTIZATIONS = {"q8_0": "MOSTLY_Q8_0", "f16": "MOSTLY_F16", "f32": "ALL_F32"}
"""How matrices are stored, and gguf's name of such a file. Vectors (norms, biases) are float32 in each."""

_Q8_0_BLOCK = 32
"""Values that share a scale; rows of another length are kept as float16."""


def export_gguf(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, path: Path, *, quantization: str = "q8_0"
) -> None:
    """Write the file, whole or not at all. The model may be in training and may carry adapters: they are merged, it
    stays as it is (policies/weights.py).

    Raises:
        ModelError: a model or a tokenizer that cannot be exported; the message says what can.
    """
    check_exportable(model.config, quantization)
    weights = dict(whole_weights(model))
    partial = path.with_name(f"{path.name}.partial")
    writer = gguf.GGUFWriter(partial, model.config.model_type)
    try:
        _write_settings(writer, model.config, quantization)
        _write_vocabulary(writer, tokenizer, model.config)
        _write_tensors(writer, weights, model.config, quantization)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_exportable(config: Any, quantization: str = "q8_0") -> None:
    """Raise a `ModelError` for a model that llama.cpp would compute otherwise, or that this module cannot write."""
    if quantization not in QUANTIZATIONS:
        raise ModelError(f"no quantization {quantization!r}; there are: {', '.join(QUANTIZATIONS)}")
    if config.model_type not in ARCHITECTURES:
        raise ModelError(
            f"models of type {config.model_type!r} cannot be exported to GGUF, only {', '.join(ARCHITECTURES)}; "
            "use the sampler transformers"
        )
    layers = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    odd = {
        f"layers with {', '.join(sorted(layers))}": bool(layers),
        f"rope of type {_rope(config).get('rope_type')}": _rope(config).get("rope_type", "default") != "default",
        f"the activation {config.hidden_act}": config.hidden_act != "silu",
    }
    if found := [what for what, is_so in odd.items() if is_so]:
        raise ModelError(f"a model that has {' and '.join(found)} cannot be exported to GGUF")


def _rope(config: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(config, "rope_parameters", None) or {})


def _head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _write_settings(writer: Any, config: Any, quantization: str) -> None:
    writer.add_file_type(gguf.LlamaFileType[QUANTIZATIONS[quantization]])
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(_head_size(config))
    writer.add_value_length(_head_size(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(_head_size(config))
    writer.add_rope_freq_base(float(_rope(config).get("rope_theta", 10_000.0)))
    writer.add_vocab_size(config.vocab_size)


def _write_vocabulary(writer: Any, tokenizer: Any, config: Any) -> None:
    described = json.loads(tokenizer.backend_tokenizer.to_str()) if getattr(tokenizer, "is_fast", False) else {}
    model = described.get("model", {})
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise ModelError("only models with a byte-level BPE tokenizer (as of GPT-2, Qwen, SmolLM) can be exported")
    by_id = {id_: token for token, id_ in model["vocab"].items()}
    types = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    for added in described["added_tokens"]:
        by_id[added["id"]] = added["content"]
        types[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    if max(by_id) >= config.vocab_size:
        raise ModelError(
            f"the tokenizer has more tokens than the model's {config.vocab_size}: they don't belong together"
        )
    # Models often have more rows than their tokenizer has tokens; each needs a name.
    ids = range(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pre_tokenizer(described, config))
    writer.add_token_list([by_id.get(id_, f"[PAD{id_}]") for id_ in ids])
    writer.add_token_types([types.get(id_, gguf.TokenType.UNUSED) for id_ in ids])
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    # GGUF has no empty lists, and llama.cpp insists on one: a merge of which no token comes changes nothing.
    writer.add_token_merges(merges or [" ".join(2 * [by_id[max(model["vocab"].values())]])])
    writer.add_add_bos_token(False)
    for name in ("bos", "eos", "pad"):
        id_ = getattr(tokenizer, f"{name}_token_id", None)
        if id_ is not None:
            getattr(writer, f"add_{name}_token_id")(id_)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _pre_tokenizer(described: dict[str, Any], config: Any) -> str:
    """llama.cpp's name of how text is split. It never splits any for us, but others may use the file."""
    if config.model_type.startswith("qwen"):
        return "qwen2"
    pre = described["pre_tokenizer"] or {}
    kinds = [part["type"] for part in pre.get("pretokenizers", [pre])]
    return {("ByteLevel",): "gpt-2", ("Digits", "ByteLevel"): "smollm"}.get(tuple(kinds), "default")


def _write_tensors(writer: Any, weights: dict[str, torch.Tensor], config: Any, quantization: str) -> None:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[ARCHITECTURES[config.model_type]], config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in weights.items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        there = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if there is None:
            raise ModelError(f"a {config.model_type} model with the tensor {name} cannot be exported to GGUF")
        values = tensor.detach().float().cpu().numpy()
        part = name.split(".")[-2]
        if config.model_type == "llama" and part in heads:
            values = _interleaved(values, heads[part])
        _write_tensor(writer, there, values, quantization)


def _interleaved(values: Any, heads: int) -> Any:
    """Rows in llama.cpp's order: for Llama it rotates neighbours, transformers the halves of a head."""
    return values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)


def _write_tensor(writer: Any, name: str, values: Any, quantization: str) -> None:
    if values.ndim == 1 or quantization == "f32":
        writer.add_tensor(name, values)
    elif quantization == "q8_0" and values.shape[-1] % _Q8_0_BLOCK == 0:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, values.astype(np.float16))
