"""What is measured, and how. Runs in a process of its own, perhaps in another interpreter, as the package `peers`."""
