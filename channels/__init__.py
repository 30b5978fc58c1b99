"""Carries messages between residents and the rest; outermost, so it also starts everything."""
