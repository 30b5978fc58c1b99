"""The assistant: understands residents in any language and decides what to say. Runs in its own Python
3.10."""
