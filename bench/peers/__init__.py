"""ranvier beside its peers, in one process."""
