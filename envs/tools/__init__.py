"""One file for each tool that a policy can call."""
