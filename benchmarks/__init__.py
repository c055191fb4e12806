"""Programs that measure the service and try it hard; none is part of it."""
