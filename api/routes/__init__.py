"""The API's routes, one module for each thing that callers do; strangers to each other."""
