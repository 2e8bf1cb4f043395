"""The project's own tables of facts, one public source on every row; what they mean for the gap is not decided here."""
