"""The commands of `ownwords` that come in groups, a module each."""
