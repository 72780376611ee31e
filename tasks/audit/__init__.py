"""What stands against a task as a source of reward: forgeries that pay, faults that its checks miss, what shows."""
