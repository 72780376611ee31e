"""Other people's formats: their rows become tasks, and tasks become their rows."""
