"""What /v1 shows of data sets, their releases and contracts."""
