"""Figures of git repositories."""
