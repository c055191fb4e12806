"""CyVerse Atmosphere v2: /api/v2 in the seed's shape, /current/api/v2 in the deployed one."""
