"""Back ends: what a Design becomes on disk."""
