//! The spans and events, as OpenTelemetry exports them.
