"""An OpenID Connect provider for one machine: demo and tests sign in by the real flow, at a real provider.

It is built on Authlib, which the extra `embedded` brings and production does not have; `api.child` refuses to
start it in production; and nothing that serves the vault imports it (a contract in pyproject.toml).
"""
