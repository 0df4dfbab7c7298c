"""Questions to the API and their answers, for any subject."""
