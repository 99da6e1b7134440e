// Metrics of the call layer and of the API itself. Thread: [control].
#include "core/api/metrics.hpp"

#include "core/api/events.hpp"
#include "core/api/figures.hpp"

namespace tandem::api {
namespace {

void add(Metrics& into, const char* name, const char* help, Metric::Kind kind, double value,
         std::vector<std::pair<std::string, std::string>> labels = {}) {
  Metric metric;
  metric.name = name;
  metric.help = help;
  metric.kind = kind;
  metric.value = value;
  metric.labels = std::move(labels);
  into.push_back(std::move(metric));
}

}  // namespace

void collect(call::Calls& calls, Metrics& into) {
  using Kind = Metric::Kind;
  const call::CallCounters& c = calls.counters();
  const auto number = [](const Counter& counter) { return static_cast<double>(counter.get()); };
  add(into, "tandem_calls", "calls that stand", Kind::gauge, static_cast<double>(calls.call_count()));
  add(into, "tandem_legs", "legs that stand", Kind::gauge, static_cast<double>(calls.leg_count()));
  add(into, "tandem_link_up", "1 when the SIP side can be reached", Kind::gauge, calls.link_up() ? 1 : 0);
  add(into, "tandem_recordings", "recordings that run", Kind::gauge,
      static_cast<double>(calls.recordings().size()));
  add(into, "tandem_calls_total", "calls begun", Kind::counter, number(c.calls));
  add(into, "tandem_legs_total", "legs begun", Kind::counter, number(c.legs_inbound),
      {{"direction", "inbound"}});
  add(into, "tandem_legs_total", "legs begun", Kind::counter, number(c.legs_outbound),
      {{"direction", "outbound"}});
  add(into, "tandem_legs_answered_total", "legs answered", Kind::counter, number(c.answered));
  add(into, "tandem_dials_total", "dials begun", Kind::counter, number(c.dials));
  add(into, "tandem_transfers_total", "transfers begun", Kind::counter, number(c.transfers));
  add(into, "tandem_transfers_failed_total", "transfers that failed", Kind::counter,
      number(c.transfers_failed));
  add(into, "tandem_media_timeouts_total", "legs whose media stopped coming", Kind::counter,
      number(c.media_timeouts));
  add(into, "tandem_lookups_timed_out_total", "look-ups the SIP side never answered", Kind::counter,
      number(c.lookups_timed_out));
  add(into, "tandem_endings_forced_total", "hang-ups the SIP side never confirmed", Kind::counter,
      number(c.endings_forced));
  for (const auto& [reason, counter] :
       {std::pair{"unknown_number", &c.refused_unknown_number}, std::pair{"sdp", &c.refused_sdp},
        std::pair{"stranger", &c.refused_stranger}}) {
    add(into, "tandem_refused_total", "incoming calls refused", Kind::counter, number(*counter),
        {{"reason", reason}});
  }
  for (const auto& [limit, counter] :
       {std::pair{"calls_or_legs", &c.refused_by_limit},
        std::pair{"dial_targets", &c.dial_targets_over_limit},
        std::pair{"recordings_per_leg", &c.recordings_over_limit}, std::pair{"loop", &c.loops}}) {
    add(into, "tandem_limit_hits_total", "how often a stated limit was reached", Kind::counter,
        number(*counter), {{"limit", limit}});
  }
}

void collect(const anchor::Anchors& anchors, Metrics& into) {
  using Kind = Metric::Kind;
  const anchor::AnchorCounters& c = anchors.counters();
  add(into, "tandem_anchor_calls", "anchored calls that stand", Kind::gauge,
      static_cast<double>(anchors.size()));
  const auto total = [&](const char* name, const char* help, const Counter& counter) {
    add(into, name, help, Kind::counter, static_cast<double>(counter.get()));
  };
  total("tandem_anchor_calls_total", "anchored calls begun", c.calls);
  total("tandem_anchor_offers_total", "SDP offers that passed or were refused", c.offers);
  total("tandem_anchor_answers_total", "SDP answers that passed or were refused", c.answers);
  total("tandem_anchor_deletes_total", "deletes asked for", c.deletes);
  total("tandem_anchor_queries_total", "queries", c.queries);
  total("tandem_anchor_errors_total", "offers, answers and deletes that were refused", c.errors);
  total("tandem_anchor_media_timeouts_total", "anchored calls ended because nothing was heard", c.timeouts);
  total("tandem_anchor_limit_hits_total", "offers refused for want of ports or places", c.refused_limit);
}

void collect(const Events& events, Metrics& into) {
  add(into, "tandem_events_total", "events published", Metric::Kind::counter,
      static_cast<double>(events.last_seq()));
  add(into, "tandem_subscriptions", "subscriptions to events", Metric::Kind::gauge,
      static_cast<double>(events.subscriptions()));
}

void collect(const Figures& figures, Metrics& into) {
  for (const auto& [name, figure] : figures.all()) {
    const auto kind = name.ends_with("_total") ? Metric::Kind::counter : Metric::Kind::gauge;
    add(into, name.c_str(), figure.help.c_str(), kind, figure.value());
  }
}

}  // namespace tandem::api
