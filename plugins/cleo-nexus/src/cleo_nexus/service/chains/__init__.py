"""Chains: what is on the shelf, putting there, taking away, making of others."""
