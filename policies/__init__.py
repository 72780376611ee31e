"""Who acts: scripted, human, endpoint and local-model policies, and the rollout loop."""
