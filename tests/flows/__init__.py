"""The flows on the real engines, without HTTP."""
