//! What lets people see inside: metrics, health, traces, profiles.

use std::time::Duration;

use crate::section::sections;

sections! {
    /// `prometheus`.
    Prometheus {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/metrics",
        /// Counts statuses of HTTP answers.
        instrument_http_handlers: bool,
        /// Measures how much is recovered.
        recovered_publications_histogram: bool,
        /// Writes histograms in the native form.
        native_histograms: bool,
    }

    /// `health`.
    Health {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/health",
    }

    /// `swagger`.
    Swagger {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/swagger",
    }

    /// `debug`.
    Debug {
        /// Switches it on.
        enabled: bool,
        /// Its address.
        handler_prefix: String = "/debug/pprof",
    }

    /// `opentelemetry`.
    OpenTelemetry {
        /// Switches it on.
        enabled: bool,
        /// Traces API calls.
        api: bool,
        /// Traces consumers.
        consuming: bool,
        /// Logs in to Google Cloud with its default credentials.
        google_cloud_adc_auth: bool,
    }

    /// `graphite`.
    Graphite {
        /// Switches it on.
        enabled: bool,
        /// Host of the server.
        host: String = "localhost",
        /// Port of the server.
        port: u16 = "2003",
        /// Prefix of all names.
        prefix: String = "centrifugo",
        /// How often figures are sent.
        interval: Duration = "10s",
        /// Sends tags.
        tags: bool,
    }

    /// `usage_stats`.
    UsageStats {
        /// Switches it off.
        disabled: bool,
    }
}
