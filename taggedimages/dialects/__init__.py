"""The APIs that are served for the clients of other systems, one package each."""
