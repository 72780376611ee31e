"""How much memory a run takes, how long and at what price: estimates, each of whose parts says where it comes from.

Weights, gradients and optimiser follow Rajbhandari et al. 2020 (ZeRO, arXiv:1910.02054): with full sharding each of N
processes holds an Nth of all three, with sharded gradients an Nth of the latter two. Activations are counted as
Korthikanti et al. 2022 do (arXiv:2205.05198, section 4.1), by what each operation keeps for the backward pass, here
for a decoder with RMSNorm, rotary positions, a gated MLP and attention that keeps no scores (Dao et al. 2022,
arXiv:2205.14135). Adapters train only their own parameters (Hu et al. 2021, arXiv:2106.09685). Training costs six
FLOPs for each parameter and token (Kaplan et al. 2020, arXiv:2001.08361), and four where the weights are frozen.
"""

from __future__ import annotations

from dataclasses import dataclass

from journeyman.training.model_shape import ModelShape
from journeyman.training.run_preset import RunPreset

GIB = 2**30
MARGIN = 0.92
"""Of a GPU's memory: more is not to be planned with, the allocator needs room between its blocks."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that takes memory."""

    what: str
    bytes: float
    how: str
    """How it was reckoned."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one GPU of the trainer, or of the machine where there is none; then of the sampler's own GPUs, of the host."""

    training: tuple[Part, ...]
    """What is there at once while gradients are computed."""
    sampling: tuple[Part, ...]
    """What is there at once while episodes are collected."""
    server: tuple[Part, ...] = ()
    """On each GPU of a sampler that has its own."""
    host: tuple[Part, ...] = ()
    """In the machine's own memory."""

    @property
    def peak(self) -> float:
        """Bytes: the larger half of a step."""
        return max(total(self.training), total(self.sampling))


def total(parts: tuple[Part, ...]) -> float:
    return sum(part.bytes for part in parts)


def memory_of(run: RunPreset, shape: ModelShape) -> Memory:
    """What the GRPO part of a run takes."""
    held, weights, process = _held(run, shape), _weights(run, shape), _process(run)
    training = (process, *weights, *held, *_passes(run, shape))
    optimiser = held[-1:]  # gradients are gone once the optimiser took its step
    server: tuple[Part, ...] = ()
    host: tuple[Part, ...] = ()
    sampling: tuple[Part, ...] = (process, *weights, *optimiser)
    if run.sampler.kind == "transformers":
        sampling += _acting(run, shape)
    elif run.sampler.kind == "llamacpp":
        host += _llamacpp(run, shape)
    elif run.sampler.mode == "server":
        server = _vllm(run, shape, run.sampler.gpus) if run.sampler.gpus else ()
    else:
        taken = run.hardware.gpu_memory_gib * GIB * run.sampler.memory_share
        pool = (Part("vLLM, all the time", taken, f"memory_share {run.sampler.memory_share:g} of the GPU"),)
        sampling, training = sampling + pool, training + pool
    in_flight = run.grpo.concurrency * run.assume.sandbox_mib * 2**20
    sandboxes = (
        Part("sandboxes", in_flight, f"{run.grpo.concurrency} in flight, {run.assume.sandbox_mib:g} MiB each"),
    )
    if run.hardware.gpus:
        return Memory(training, sampling, server, host + sandboxes)
    return Memory(training + host, sampling + host + sandboxes)  # all of it is one memory


def _element(run: RunPreset) -> int:
    """Bytes of a number in a forward pass."""
    return 2 if run.launch.mixed_precision == "bf16" else 4


def _weight_bytes(run: RunPreset, *, trained: bool) -> int:
    """Of a weight: float32, but bfloat16 on a GPU below adapters, where it is not trained."""
    return 2 if run.hardware.gpus and not trained else 4


def _process(run: RunPreset) -> Part:
    return Part("the process", run.assume.process_gib * GIB, "assume.process_gib")


def _weights(run: RunPreset, shape: ModelShape) -> tuple[Part, ...]:
    shares = run.launch.processes if run.launch.sharding == "full" else 1
    rank = run.grpo.lora_rank
    each = _weight_bytes(run, trained=not rank)
    parts = [Part("weights", shape.parameters * each / shares, _by(shape.parameters, each, shares))]
    if rank:
        count = shape.adapters(rank)
        parts.append(Part("adapters", count * 4 / shares, _by(count, 4, shares)))
    if shares > 1:
        gathered = 2 * shape.largest_unit * 2
        parts.append(Part("gathered weights", gathered, f"two units of {shape.largest_unit:,} in bf16 at a time"))
    return tuple(parts)


def _held(run: RunPreset, shape: ModelShape) -> tuple[Part, Part]:
    """Gradients and Adam's two moments, in the precision of what is trained."""
    shares = run.launch.processes if run.launch.sharding != "none" else 1
    rank = run.grpo.lora_rank
    count = shape.adapters(rank) if rank else shape.parameters
    each = 4 if rank else _weight_bytes(run, trained=True)
    return (
        Part("gradients", count * each / shares, _by(count, each, shares)),
        Part("optimiser", 2 * count * each / shares, _by(count, 2 * each, shares) + ", Adam's two moments"),
    )


def _by(count: int, each: int, shares: int) -> str:
    return f"{count:,} x {each} bytes" + (f" / {shares} processes" if shares > 1 else "")


def episode_tokens(run: RunPreset) -> tuple[float, float]:
    """Tokens read and written in an episode, as assumed, and no more than the conversation may hold."""
    assume, cap = run.assume, run.meets.local.max_episode_tokens
    read = assume.opening_tokens + (assume.actions - 1) * assume.read_tokens
    written = assume.actions * assume.written_tokens
    fits = min(1.0, cap / (read + written))
    return read * fits, written * fits


def _passes(run: RunPreset, shape: ModelShape) -> tuple[Part, ...]:
    """What a forward and backward pass over a micro-batch holds; its rows as long as an episode may be."""
    element, rows = _element(run), run.grpo.micro_batch
    tokens = rows * run.meets.local.max_episode_tokens
    layer = layer_bytes(shape, element)
    parts = []
    if element == 2 and _weight_bytes(run, trained=not run.grpo.lora_rank) == 4 and run.launch.sharding != "full":
        parts.append(Part("weights in bfloat16", shape.parameters * 2, "what the passes compute with"))
    if run.launch.activation_checkpointing:
        kept = shape.layers * shape.hidden * element + layer
        how = f"{tokens:,} tokens: each layer's input, and all of one layer"
    else:
        kept = shape.layers * layer
        how = f"{tokens:,} tokens x {shape.layers} layers x {layer:,.0f} bytes"
    parts.append(Part("activations", tokens * kept, how))
    if run.launch.processes > 1:
        asked, what = tokens, "all tokens of the rows"
    else:
        asked = min(tokens, round(rows * _most_written(run)))
        what = f"{asked:,} written tokens"
    # Logits as the head gives them, in float32, divided by the temperature, their log-softmax, and two gradients.
    each = element + 5 * 4
    parts.append(Part("logits", asked * shape.vocabulary * each, f"{what} x {shape.vocabulary:,} x {each} bytes"))
    return tuple(parts)


def _most_written(run: RunPreset) -> float:
    """Tokens that the model writes in an episode that is as long as it may be."""
    read, written = episode_tokens(run)
    return run.meets.local.max_episode_tokens * written / (read + written)


def layer_bytes(shape: ModelShape, element: int) -> float:
    """Bytes that one decoder layer keeps of one token for the backward pass.

    Two norms keep their input in float32 and what they made of it; attention keeps queries, keys and values (repeated
    to as many heads), its output, and that once more as the projection reads it; the MLP its gate before and after the
    activation, its other half, and their product.
    """
    norms = 2 * (4 * shape.hidden + element * shape.hidden)
    attention = element * (shape.query + 2 * shape.query + 2 * shape.query)
    mlp = element * 4 * shape.intermediate
    return norms + attention + mlp


def _kv(run: RunPreset, shape: ModelShape, element: int, shares: int = 1) -> Part:
    tokens = run.grpo.concurrency * run.meets.local.max_episode_tokens
    each = shape.kv_bytes(element)
    how = f"{run.grpo.concurrency} lanes x {run.meets.local.max_episode_tokens:,} tokens x {each:,} bytes"
    return Part("KV cache", tokens * each / shares, how + (f" / {shares} GPUs" if shares > 1 else ""))


def _acting(run: RunPreset, shape: ModelShape) -> tuple[Part, ...]:
    """The trainer's own model samples, or a copy of it in bfloat16 where that is what the machine computes in."""
    if run.launch.mixed_precision == "no" and not run.hardware.gpus:
        return (_kv(run, shape, 4),)
    if _weight_bytes(run, trained=not run.grpo.lora_rank) == 2:
        return (_kv(run, shape, 2),)
    return Part("a copy that acts", 2 * shape.parameters, _by(shape.parameters, 2, 1)), _kv(run, shape, 2)


def _llamacpp(run: RunPreset, shape: ModelShape) -> tuple[Part, ...]:
    bits = run.sampler.bits_per_weight
    export = Part("llama.cpp's export", shape.parameters * bits / 8, f"{shape.parameters:,} x {bits:g} bits")
    return export, _kv(run, shape, 2)


def _vllm(run: RunPreset, shape: ModelShape, gpus: int) -> tuple[Part, ...]:
    return (
        Part("weights", shape.parameters * 2 / gpus, f"{shape.parameters:,} x 2 bytes / {gpus} GPUs"),
        _kv(run, shape, 2, min(gpus, shape.key_heads)),
        Part("the process", run.assume.process_gib * GIB, "assume.process_gib"),
    )
