"""What a repository says of itself, read without running any of it: python, dependencies, folders, tests."""
