"""What people want of a policy, written down as items that a rule, a person or a judge can check."""
