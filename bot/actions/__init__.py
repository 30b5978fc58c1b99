"""What the assistant does beside talking: thin clients of the record's internal API, one module a topic."""
