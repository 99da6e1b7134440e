// NgDriver: calls at a server that speaks rtpengine's ng protocol over UDP: offer, answer, delete.
// Thread: [control].
#pragma once

#include <memory>

#include "core/load/driver.hpp"

namespace tandem::load {

std::unique_ptr<Driver> make_ng_driver(const Address& server);

}  // namespace tandem::load
