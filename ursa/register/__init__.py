"""Writing: manifests, the one insert rule, and ingest."""
