"""The template-name store of CLEO."""
