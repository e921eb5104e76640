"""Certificates and keys of national seals: SM2 throughout (GM/T 0015, X.509 with SM2's key and signature).

`certificates` reads, `path` judges, `sealing_key` opens what signs, `authority` makes all of it for
development. Import from these: who judges has nothing to do with who signs.
"""
