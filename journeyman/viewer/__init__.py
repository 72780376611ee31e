"""The pages that `journeyman view` shows: runs, episodes and tasks, in a browser on this machine."""
