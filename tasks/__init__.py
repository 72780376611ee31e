"""What is to be solved: tasks, their folders, grading, validation and sources."""
