"""The edge: HTTP, pages, command line and worker; the only reader of settings and of the clock."""
