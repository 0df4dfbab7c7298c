"""Figures as reports for people: as text and HTML, and by mail."""
