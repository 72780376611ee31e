"""Assurance `twins`: tests and code share a process, so the run must show that it can also say no."""
