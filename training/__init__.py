"""Episodes become weights: SFT, GRPO, evaluation."""
