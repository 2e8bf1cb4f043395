"""Thin Dagster wrappers; everything they call knows nothing of Dagster."""
