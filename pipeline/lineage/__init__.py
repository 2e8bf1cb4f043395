"""Who was built on whom: what the graph of parents needs beyond SQL."""
