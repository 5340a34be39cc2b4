"""Prepared broken projects, one for each thing that is known to have gone wrong somewhere."""
