"""The kernel: values that cannot be bad, standard library only."""
