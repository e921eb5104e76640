"""Makes documents and seals, and judges them: bytes and keys in, bytes or a report out."""
