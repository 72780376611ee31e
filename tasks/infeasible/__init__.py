"""Tasks that cannot be done, each beside a twin that reads the same and can."""
