"""How quickly are open models closing the gap to closed ones? (no code here: see definitions.py)."""
