"""The figures of `make bench`: production's processes, a model host and people of our own, and what they measure."""
