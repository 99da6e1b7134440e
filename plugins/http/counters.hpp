// Counters of the transport, shown at /metrics. Thread: [control].
#pragma once

#include <cstdint>

#include "tandem/sdk.hpp"

namespace tandem::http {

struct Counters {
  std::uint64_t connections = 0;          // now
  std::uint64_t connections_refused = 0;  // over max_connections
  std::uint64_t requests = 0;             // HTTP requests answered
  std::uint64_t websockets = 0;           // now
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t denied = 0;          // 401 and 403
  std::uint64_t too_large = 0;       // bodies and messages over max_body
  std::uint64_t timeouts = 0;        // requests that did not arrive in time
  std::uint64_t slow_consumers = 0;  // WebSockets closed since they did not read

  // *this stays where it is until the plugin is deactivated.
  void show(const sdk::Host& host) const {
    host.measure("connections", "Connections that stand.", connections);
    host.measure("websockets", "WebSockets that stand.", websockets);
    host.measure("connections_refused_total", "Connections over max_connections.", connections_refused);
    host.measure("requests_total", "HTTP requests answered.", requests);
    host.measure("messages_received_total", "WebSocket messages received.", messages_in);
    host.measure("messages_sent_total", "WebSocket messages sent.", messages_out);
    host.measure("denied_total", "Requests answered with 401 or 403.", denied);
    host.measure("too_large_total", "Bodies and messages over max_body.", too_large);
    host.measure("timeouts_total", "Requests that did not arrive in time.", timeouts);
    host.measure("slow_consumers_total", "WebSockets closed because they did not read.", slow_consumers);
  }
};

}  // namespace tandem::http
