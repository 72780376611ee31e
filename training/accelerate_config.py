"""The config file with which accelerate starts a run preset's trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from journeyman.training.run_preset import RunPreset


def accelerate_config(run: RunPreset) -> dict[str, Any]:
    """What `accelerate launch --config_file` reads. Sharding is by FSDP 2, each decoder layer a unit of it."""
    launch = run.launch
    config: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "NO" if launch.processes == 1 else "FSDP" if launch.sharding != "none" else "MULTI_GPU",
        "num_machines": 1,
        "machine_rank": 0,
        "num_processes": launch.processes,
        "mixed_precision": launch.mixed_precision,
        "use_cpu": not run.hardware.gpus,
        "main_training_function": "main",
        "rdzv_backend": "static",
        "same_network": True,
    }
    if launch.processes > 1:
        # The trainer takes the first ones; a sampler's server has the rest.
        config["gpu_ids"] = ",".join(map(str, range(launch.processes)))
    if launch.sharding != "none":
        config["fsdp_config"] = {
            "fsdp_version": 2,
            "fsdp_reshard_after_forward": launch.sharding == "full",
            "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
            "fsdp_activation_checkpointing": launch.activation_checkpointing,
            "fsdp_cpu_ram_efficient_loading": True,
            "fsdp_state_dict_type": "SHARDED_STATE_DICT",
            "fsdp_offload_params": False,
        }
    return config


def write_accelerate_config(run: RunPreset, path: Path) -> None:
    """Raises: OSError: it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(accelerate_config(run), sort_keys=False))
