"""The site in a real browser, and its parts on literal rows."""
