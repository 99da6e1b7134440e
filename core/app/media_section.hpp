// The keys of [media], and of media where one [[route]] or [[peer]] differs. What is wrong is told by the
// reader. Thread: any, at the start.
#pragma once

#include "core/app/config.hpp"
#include "core/app/toml_reader.hpp"

namespace tandem::app {

// [any] Takes its keys out of `in`; what is not there stays as it is in `out`.
void read_media(TomlReader& in, MediaSection& out);
// [any] The same of what a [[route]] and a [[peer]] may say.
void read_peer_media(TomlReader& in, call::PeerMedia& out);

}  // namespace tandem::app
