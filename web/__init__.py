"""HTTP plumbing that knows no subject."""
