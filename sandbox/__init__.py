"""Where commands run: the sandbox protocol and its backends."""
