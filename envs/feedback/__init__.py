"""What people say of episodes: entries, the log that keeps them, and which of them stand."""
