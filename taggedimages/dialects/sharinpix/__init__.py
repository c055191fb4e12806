"""SharinPix: /api/v1."""
