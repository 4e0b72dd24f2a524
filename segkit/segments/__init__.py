"""Customers to labels: prepare, segment, judge, keep the model."""
