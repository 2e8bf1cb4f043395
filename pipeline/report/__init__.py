"""Charts, terminal report and what else a person looks at."""
