"""Keeps the record, and the pages on which the team reads and answers it."""
