// JanusDriver: conferences at a Janus server: rooms of its AudioBridge plugin whose members come by plain
// RTP, made over its HTTP JSON API. A call of two phones is a room of two. Thread: [control].
#pragma once

#include <memory>

#include "core/load/driver.hpp"

namespace tandem::load {

// `server`: where Janus's HTTP transport listens (port 8088 unless configured).
std::unique_ptr<Driver> make_janus_driver(const Address& server);

}  // namespace tandem::load
