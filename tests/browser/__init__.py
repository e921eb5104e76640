"""The pages in a real browser: every one looked at, by everybody, in both languages and at every width."""
