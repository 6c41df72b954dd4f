"""Moving bytes: plan first, then run; nothing gets its final name before it is verified."""
