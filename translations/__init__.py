"""Text in, translation out, offline; knows no database and no web."""
