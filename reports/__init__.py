"""Figures as documents for people: text and HTML, and the mail that carries them."""
