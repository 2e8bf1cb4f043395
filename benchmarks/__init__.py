"""Measurements of the project: what its intervals and its speed are worth."""
