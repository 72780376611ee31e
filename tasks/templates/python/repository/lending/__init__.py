"""Due dates and late fees of a small public library."""
