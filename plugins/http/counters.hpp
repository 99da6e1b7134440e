// Counters of the transport, appended to /metrics in Prometheus' text format. Thread: [control].
#pragma once

#include <cstdint>
#include <string>

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

  std::string text() const {
    std::string out;
    const auto add = [&out](const char* name, const char* type, std::uint64_t value) {
      out.append("# TYPE tandem_http_")
          .append(name)
          .append(" ")
          .append(type)
          .append("\ntandem_http_")
          .append(name);
      out.append(" ").append(std::to_string(value)).append("\n");
    };
    add("connections", "gauge", connections);
    add("websockets", "gauge", websockets);
    add("connections_refused_total", "counter", connections_refused);
    add("requests_total", "counter", requests);
    add("messages_received_total", "counter", messages_in);
    add("messages_sent_total", "counter", messages_out);
    add("denied_total", "counter", denied);
    add("too_large_total", "counter", too_large);
    add("timeouts_total", "counter", timeouts);
    add("slow_consumers_total", "counter", slow_consumers);
    return out;
  }
};

}  // namespace tandem::http
