"""One module a source: fetch writes a capture, parse turns a capture into rows; Dagster does not belong here."""
