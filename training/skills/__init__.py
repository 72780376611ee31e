"""What post-training is for besides solving: honest reports, recovery, plans, a persona.

Each is measured from the records of episodes alone.
"""
