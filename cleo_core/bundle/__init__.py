"""Bundles: what a project or a machine keeps, in one file that travels."""
