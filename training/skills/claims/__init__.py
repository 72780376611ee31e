"""The claims benchmark: claims whose label is known, beside the records they are about, to measure judges on.

situations.py and repos.py say what is played and what is so, played.py plays it in sandboxes, cases.py holds a labelled
claim (those of hand.yaml too), measure.py has a judge's figures, data.py writes and reads the whole as a data set.
"""
