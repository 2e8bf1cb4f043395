"""Names to models, benchmarks and series; licences, access, units and dates."""
