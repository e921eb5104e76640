"""Manifests, mappings and places of files, without engines."""
