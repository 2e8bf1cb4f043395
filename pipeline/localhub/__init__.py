"""The Hugging Face Hub on loopback, for the real client: bundled facts or any table in hub-stats form."""
