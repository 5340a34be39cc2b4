"""A year of bad days in a few minutes: real processes on all stores, killed and starved.

``make chaos`` runs it; ``python -m chaos --help`` says how to change it.
"""
