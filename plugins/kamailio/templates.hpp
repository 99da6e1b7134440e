// The shipped kamailio.cfg and kamailio.lua, with @NAMES@ for what the operator chooses. Thread: [any].
#pragma once

namespace tandem::kamailio {

extern const char* const kCfgTemplate;
extern const char* const kLuaTemplate;

}  // namespace tandem::kamailio
