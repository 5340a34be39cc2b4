"""Instances of chains: making them, asking their gates, moving them."""
