"""Periods, date ranges and buckets of time."""
