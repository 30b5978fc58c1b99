"""Demonstration data: views that nobody sent, so that a newcomer sees the desk at work. Removable whole."""
