"""A whole province's stock (存量), invented: its kinds, people, certificates, register, files and rows."""
