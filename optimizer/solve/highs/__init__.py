"""HiGHS: the model handed over, one call, where it runs, and its callbacks."""
