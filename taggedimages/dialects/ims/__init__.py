"""Image Management Service and the OpenStack form: /v2, /v1/cloudimages, /v3/auth."""
