// metrics_text: everything that is counted, as Prometheus text (exposition format 0.0.4).
//
//   Sources (borrowed counters) ──► metrics_text ──► /metrics
//
// Names: tandem_<thing>_<unit>, _total for counters, as Prometheus's naming guide asks. Thread: [control].
#pragma once

#include <cstddef>
#include <string>

#include "core/anchor/anchors.hpp"
#include "core/api/events.hpp"
#include "core/api/figures.hpp"
#include "core/app/signaling_bridge.hpp"
#include "core/app/store_cdrs.hpp"
#include "core/call/calls.hpp"
#include "core/loop/loop.hpp"
#include "core/loop/uv_timers.hpp"
#include "core/loop/work_pool.hpp"
#include "core/session/engine.hpp"

namespace tandem::app {

// Null: that part is left out.
struct MetricsSources {
  call::Calls* calls = nullptr;
  const anchor::Anchors* anchors = nullptr;
  const api::Events* events = nullptr;
  const api::Figures* plugins = nullptr;
  const session::MediaEngine* engine = nullptr;
  const SignalingBridge* signaling = nullptr;
  const StoreCdrs* cdrs = nullptr;
  const loop::Loop* loop = nullptr;
  const loop::UvTimers* timers = nullptr;
  const loop::WorkPool* pool = nullptr;
  double uptime_s = 0;
  std::size_t devices = 0;
};

std::string metrics_text(const MetricsSources& from);

}  // namespace tandem::app
