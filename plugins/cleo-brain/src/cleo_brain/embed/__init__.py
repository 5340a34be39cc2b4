"""Embedders: which one runs, and ours."""
