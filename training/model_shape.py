"""How large a model is, from its config alone: it is built without memory for its weights, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from journeyman.policies.models import TINY, ModelError, model_path
from journeyman.training.run_preset import Model, RunPresetError, known_architectures


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What memory and time depend on."""

    parameters: int
    """Tied ones once."""
    layers: int
    hidden: int
    intermediate: int
    query: int
    """Heads times their size."""
    key: int
    """Key-value heads times their size."""
    heads: int
    key_heads: int
    vocabulary: int
    largest_unit: int
    """Parameters of what FSDP gathers at a time: a decoder layer, or what stands outside of them."""
    adapted: int
    """Inputs and outputs of all layers that adapters are put on, summed."""

    def adapters(self, rank: int) -> int:
        """Parameters of LoRA adapters of that rank on every linear layer but the language head."""
        return rank * self.adapted

    def kv_bytes(self, element: int = 2) -> int:
        """Of keys and values, for each token of a conversation. `element`: bytes of a number."""
        return 2 * self.layers * self.key * element


def shape_of(model: Model) -> ModelShape:
    """The shape of a preset's model: from the folder's config.json, or from what is known of the name.

    Raises:
        ModelError: the folder holds no model.
        RunPresetError: nothing is known of that name, or its config is none.
    """
    from transformers import AutoConfig

    known = known_architectures()
    try:
        if model.architecture:
            config = _made(model.architecture)
        elif Path(model.name).expanduser().is_dir() or model.name == TINY:
            config = AutoConfig.from_pretrained(model_path(model.name), local_files_only=True)
        elif model.name in known:
            config = _made(known[model.name])
        else:
            if model.name.startswith((".", "/", "~")):
                raise ModelError(f"model.name: {model.name}: there is no such folder")
            raise RunPresetError(
                f"model.name: nothing is known of {model.name}: give its folder, or what its config.json says as "
                f"model.architecture; known are {', '.join(known)}"
            )
        return _counted(config)
    except (ModelError, RunPresetError):
        raise
    except Exception as error:  # whatever transformers and the model's own code make of a config that is none
        why = " ".join(str(error).split())
        raise RunPresetError(f"model {model.name}: its config cannot be used ({why})") from error


def _made(architecture: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    if "model_type" not in architecture:
        raise RunPresetError("model.architecture: name its model_type, such as qwen2 or llama")
    return AutoConfig.for_model(**architecture)


def _counted(config: Any) -> ModelShape:
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    head = model.get_output_embeddings()
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not head]
    total = sum(parameter.numel() for parameter in model.parameters())
    units = [sum(p.numel() for p in layer.parameters()) for layer in model.get_decoder().layers]
    text = config.get_text_config()
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    key_heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    return ModelShape(
        parameters=total,
        layers=len(units),
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        query=text.num_attention_heads * size,
        key=key_heads * size,
        heads=text.num_attention_heads,
        key_heads=key_heads,
        vocabulary=text.vocab_size,
        largest_unit=max(*units, total - sum(units)),
        adapted=sum(layer.in_features + layer.out_features for layer in linear),
    )
