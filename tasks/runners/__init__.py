"""How tests of languages other than Python are run, and their runners' output read."""
