"""National seals."""
