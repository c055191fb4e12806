"""Contracts in /v1."""
