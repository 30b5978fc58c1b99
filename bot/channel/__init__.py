"""How the gateway reaches the assistant: an input channel of our own, and a processor that fails loudly."""
