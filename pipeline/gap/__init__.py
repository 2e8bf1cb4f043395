"""The arithmetic of the gap: sides, frontiers, lags and survival. Frames in, frames out; no Dagster."""
