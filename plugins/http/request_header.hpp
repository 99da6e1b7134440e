// One field of a request's head, as libwebsockets keeps it until the request is answered. Thread: [control].
#pragma once

#include <libwebsockets.h>

#include <string>

namespace tandem::http {

// [control] "" when there is none.
inline std::string header(lws* wsi, lws_token_indexes token) {
  const int size = lws_hdr_total_length(wsi, token);
  if (size <= 0) return "";
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, text.data(), size + 1, token);
  text.resize(copied < 0 ? 0 : static_cast<std::size_t>(copied));
  return text;
}

}  // namespace tandem::http
