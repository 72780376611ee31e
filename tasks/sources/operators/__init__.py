"""Single-fault operators: each makes one small mistake that a person could have made."""
