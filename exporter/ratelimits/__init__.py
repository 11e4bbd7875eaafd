"""How often somebody may ask: windows that are counted, blocks that hold, and what is known of both."""
