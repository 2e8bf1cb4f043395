"""The static site: pages, charts and downloads made from the published file alone."""
