"""Small shared parts: errors, logging, error reporting, HTTP."""
