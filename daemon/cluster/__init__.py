"""Painters on other machines, by Dask: the daemon's side, and the painter's.

The daemon keeps the queue, the attempts and all that was saved. Dask finds a painter that is free,
carries bytes, and knows who is there. It never decides that a job is tried again.
"""
