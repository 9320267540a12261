//! The REST interface under /v1, described by /openapi.json
