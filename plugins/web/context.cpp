// The one place that begins and ends a libwebsockets context.
#include "web/context.hpp"

#include <libwebsockets.h>

#include <utility>

namespace tandem::web {

const char* Context::open(void* owner, std::size_t descriptors, unsigned timeout_s) {
  lws_set_log_level(0, nullptr);  // what clients do wrong is counted, not logged
  if (!loop_.ok()) return "no event loop from the system";
  void* loops[1] = {loop_.native()};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.options =
      LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
  info.foreign_loops = loops;
  info.user = owner;
  info.fd_limit_per_thread = static_cast<unsigned>(descriptors);
  info.timeout_secs = timeout_s;
  info.server_string = "tandem";
  context_ = lws_create_context(&info);
  return context_ != nullptr
             ? nullptr
             : "libwebsockets does not start (is its libuv support, libwebsockets-evlib-uv, installed?)";
}

lws_vhost* Context::listen(lws_context_creation_info& info, const std::string& address, int port, bool ipv6) {
  info.port = port;
  info.iface = address.c_str();
  info.options |= LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
  info.options |= ipv6 ? LWS_SERVER_OPTION_IPV6_V6ONLY_MODIFY | LWS_SERVER_OPTION_IPV6_V6ONLY_VALUE
                       : LWS_SERVER_OPTION_DISABLE_IPV6;
  lws_vhost* made = lws_create_vhost(context_, &info);
  loop_.run_soon();
  return made;
}

void Context::close() {
  lws_context* ending = context_;
  if (ending == nullptr) return;
  lws_context_destroy(ending);  // begins to close every handle
  loop_.drain();                // ends it
  lws_context_destroy(ending);  // frees
  context_ = nullptr;
}

}  // namespace tandem::web
