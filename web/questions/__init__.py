"""Questions to the API and their answers, whatever the subject."""
