"""What /v1 shows of bulk changes."""
