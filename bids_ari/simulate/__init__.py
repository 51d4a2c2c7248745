"""
A simulated group with known truth, for the demo, the tests, and people who plan a study.

``bids_ari.simulate.group`` makes arrays, ``bids_ari.simulate.dataset`` writes them as a dataset of
first-level maps (``python -m bids_ari.simulate OUT``), and ``bids_ari.simulate.comparison`` holds
the bounds of an analysis against the truth.
"""
