"""Makes `journeyman/Repo-v0` known to Gymnasium. Importing this module registers it:

    import gymnasium
    from journeyman.envs import registration

    gymnasium.register_envs(registration)
    env = gymnasium.make("journeyman/Repo-v0", task="till-line-rounding")

or in one go, `gymnasium.make("journeyman.envs.registration:journeyman/Repo-v0", task=…)`.
"""

from __future__ import annotations

import gymnasium

ENV_ID = "journeyman/Repo-v0"

if ENV_ID not in gymnasium.registry:
    gymnasium.register(id=ENV_ID, entry_point="journeyman.envs.repo_env:RepoEnv")
