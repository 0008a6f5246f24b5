"""SQL as text, one module a source dialect or purpose. Nothing here opens a connection."""
