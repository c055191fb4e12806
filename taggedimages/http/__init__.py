"""What serves all published APIs: errors, bodies, caching, middleware, OpenAPI."""
