"""Texts to those who came to an open forum, and linking what they answer to it."""
