"""Evaluating models: suites, cells, the worker that runs one, and how it is started."""
