"""The Gymnasium environment, its tools, rewards, and the record of episodes."""
