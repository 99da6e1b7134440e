// metrics_text: one function a part. See the header.
#include "core/app/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

#include "core/api/metrics.hpp"
#include "core/app/version.hpp"

namespace tandem::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
 public:
  void gauge(const char* name, const char* help, double value, const Labels& labels = {}) {
    ClientMetric metric = labelled(labels);
    metric.gauge.value = value;
    family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
  }
  void counter(const char* name, const char* help, std::uint64_t value, const Labels& labels = {}) {
    ClientMetric metric = labelled(labels);
    metric.counter.value = static_cast<double>(value);
    family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
  }
  // `scale`: what the histogram's whole numbers are multiplied with (0.001 for ms into seconds).
  template <std::size_t N>
  void histogram(const char* name, const char* help, const Histogram<N>& from, double scale,
                 const Labels& labels = {}) {
    ClientMetric metric = labelled(labels);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= N; ++i) {
      total += from.count(i);
      const double bound =
          i < N ? static_cast<double>(from.bounds()[i]) * scale : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({total, bound});
    }
    metric.histogram.sample_count = total;
    metric.histogram.sample_sum = static_cast<double>(from.sum()) * scale;
    family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
  }
  // What other layers count, as plain values.
  void all_of(const api::Metrics& metrics) {
    for (const api::Metric& one : metrics) {
      ClientMetric metric = labelled(one.labels);
      MetricType type = MetricType::Gauge;
      if (one.kind == api::Metric::Kind::gauge) metric.gauge.value = one.value;
      if (one.kind == api::Metric::Kind::counter) {
        type = MetricType::Counter;
        metric.counter.value = one.value;
      }
      if (one.kind == api::Metric::Kind::histogram) {
        type = MetricType::Histogram;
        for (const auto& [edge, count] : one.buckets) metric.histogram.bucket.push_back({count, edge});
        metric.histogram.bucket.push_back({one.count, std::numeric_limits<double>::infinity()});
        metric.histogram.sample_count = one.count;
        metric.histogram.sample_sum = one.value;
      }
      family(one.name, one.help, type).metric.push_back(std::move(metric));
    }
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(all_); }

 private:
  static ClientMetric labelled(const Labels& labels) {
    ClientMetric metric;
    for (const auto& [name, value] : labels) metric.label.push_back({name, value});
    return metric;
  }
  MetricFamily& family(const std::string& name, const std::string& help, MetricType type) {
    for (auto& one : all_) {
      if (one.name == name) return one;
    }
    all_.push_back({name, help, type, {}});
    return all_.back();
  }
  std::vector<MetricFamily> all_;
};

void add_loop(Families& out, const media::MediaLoop& from, const loop::MediaIo& io,
              const std::string& number) {
  const media::LoopCounters& c = from.counters();
  const auto with = [&](const char* name, const char* value) {
    return Labels{{"loop", number}, {name, value}};
  };
  const Labels loop{{"loop", number}};
  out.gauge("tandem_media_legs", "Legs on a media loop.", c.legs.load(std::memory_order_relaxed), loop);
  out.counter("tandem_media_ticks_total", "Ticks run.", c.ticks.get(), loop);
  out.counter("tandem_media_ticks_missed_total", "Ticks that could not be run in time.", c.missed_ticks.get(),
              loop);
  out.counter("tandem_rtp_packets_total", "RTP packets.", c.packets_received.get(),
              with("direction", "received"));
  out.counter("tandem_rtp_packets_total", "", c.packets_sent.get(), with("direction", "sent"));
  out.counter("tandem_rtp_bytes_total", "RTP bytes.", c.bytes_received.get(), with("direction", "received"));
  out.counter("tandem_rtp_bytes_total", "", c.bytes_sent.get(), with("direction", "sent"));
  const char* frames = "tandem_media_frames_total";
  out.counter(frames, "Packets or frames, by what was done with them.", c.relayed.get(),
              with("act", "relayed"));
  out.counter(frames, "", c.decoded.get(), with("act", "decoded"));
  out.counter(frames, "", c.encoded.get(), with("act", "encoded"));
  out.counter(frames, "", c.concealed.get(), with("act", "concealed"));
  out.counter(frames, "", c.translated.get(), with("act", "translated"));
  out.counter(frames, "", c.fed.get(), with("act", "fed"));
  const char* bad = "tandem_rtp_dropped_total";
  out.counter(bad, "Packets lost or dropped, by reason.", c.lost.get(), with("reason", "lost"));
  out.counter(bad, "", c.late.get(), with("reason", "late"));
  out.counter(bad, "", c.duplicate.get(), with("reason", "duplicate"));
  out.counter(bad, "", c.malformed.get(), with("reason", "malformed"));
  out.counter(bad, "", c.strangers.get(), with("reason", "stranger"));
  out.counter(bad, "", c.undecodable.get(), with("reason", "undecodable"));
  out.counter(bad, "", c.unknown_payload.get(), with("reason", "unknown_payload"));
  out.counter(bad, "", c.pool_exhausted.get(), with("reason", "pool_exhausted"));
  out.counter(bad, "", c.srtp_forged.get(), with("reason", "srtp_forged"));
  out.counter(bad, "", c.srtp_replayed.get(), with("reason", "srtp_replayed"));
  out.counter(bad, "", c.srtp_not_sent.get(), with("reason", "srtp_not_sent"));
  const char* checks = "tandem_ice_checks_total";
  out.counter(checks, "STUN messages on ports of peers that speak ICE, by what was done with them.",
              c.stun_answered.get(), with("act", "answered"));
  out.counter(checks, "", c.stun_unauthorized.get(), with("act", "unauthorized"));
  out.counter(checks, "", c.stun_refused.get(), with("act", "refused"));
  out.counter(checks, "", c.stun_ignored.get(), with("act", "ignored"));
  out.counter(checks, "", c.stun_over_limit.get(), with("act", "over_limit"));
  out.counter("tandem_ice_nominations_total", "Addresses that peers nominated, each time another one.",
              c.ice_selected.get(), loop);
  out.counter("tandem_media_limits_total", "How often a limit of the media plane was hit.",
              c.srtp_sources_over_limit.get(), Labels{{"loop", number}, {"limit", "srtp_sources"}});
  out.histogram("tandem_media_tick_lateness_seconds", "How late ticks ran.", c.lateness_us, 1e-6, loop);
  out.histogram("tandem_rtp_jitter_seconds", "Interarrival jitter of received streams.", c.jitter_ms, 1e-3,
                loop);
  out.histogram("tandem_jitter_buffer_delay_seconds", "Delay that the jitter buffers add.", c.delay_ms, 1e-3,
                loop);
  out.gauge("tandem_media_commands_waiting", "Commands in a media loop's inbox.",
            static_cast<double>(from.commands_waiting()), loop);
  const char* limits = "tandem_media_limits_total";
  out.counter(limits, "How often a limit of the media plane was hit.", from.commands_refused(),
              with("limit", "commands"));
  out.counter(limits, "", from.events_lost(), with("limit", "events"));
  const loop::IoCounters& i = io.counters();
  const char* socket = "tandem_socket_errors_total";
  out.counter(socket, "Datagrams that the sockets lost, by reason.", i.truncated.get(),
              with("reason", "truncated"));
  out.counter(socket, "", i.over_budget.get(), with("reason", "over_budget"));
  out.counter(socket, "", i.receive_errors.get(), with("reason", "receive_error"));
  out.counter(socket, "", i.send_dropped.get(), with("reason", "send_buffer_full"));
  out.counter(socket, "", i.send_errors.get(), with("reason", "send_error"));
}

void add_engine(Families& out, const session::MediaEngine& engine) {
  const session::EngineCounters c = engine.counters();
  out.gauge("tandem_playbacks", "Sounds being played.", static_cast<double>(c.playbacks));
  out.gauge("tandem_recordings_open", "Recording files being written.", static_cast<double>(c.recordings));
  out.gauge("tandem_ports_free", "RTP port pairs that are free.", static_cast<double>(c.ports_free));
  out.gauge("tandem_prompts_cached", "Sound files held in memory.", static_cast<double>(c.prompts_cached));
  out.gauge("tandem_media_feeds", "Legs that hear another beside its pair.", static_cast<double>(c.feeds));
  out.counter("tandem_media_feeds_refused_total", "Listeners refused for want of places.", c.feeds_refused);
  out.counter("tandem_media_packets_not_crossed_total",
              "Packets to a listener on another media loop that were dropped: too many waited.",
              c.packets_not_crossed);
  const session::SoundSenderCounters& s = engine.stream_counters();
  out.gauge("tandem_streams", "Legs whose sound is sent to a program outside.",
            static_cast<double>(c.streams));
  out.counter("tandem_stream_connections_total", "Connections made to take that sound.", s.connections.get());
  out.counter("tandem_stream_failures_total", "Connections to it that broke or were not made.",
              s.failures.get());
  out.counter("tandem_stream_bytes_total", "Bytes of sound and metadata it took.", s.bytes.get());
  out.counter("tandem_stream_samples_dropped_total", "Samples it was too slow for, or away.",
              s.samples_dropped.get());
  out.counter("tandem_media_legs_refused_total", "Legs refused for want of ports or places.", c.legs_refused);
  for (std::size_t i = 0; i < engine.loop_count(); ++i)
    add_loop(out, engine.media_loop(i), engine.media_io(i), std::to_string(i));
}

void add_control(Families& out, const MetricsSources& from) {
  out.gauge("tandem_uptime_seconds", "Since the start.", from.uptime_s);
  out.gauge("tandem_build_info", "1, with the version.", 1, {{"version", kVersion}});
  out.gauge("tandem_devices", "Accounts that may register.", static_cast<double>(from.devices));
  if (from.loop != nullptr) {
    out.gauge("tandem_control_posts_waiting", "Functions that wait for the control loop.",
              static_cast<double>(from.loop->posts_waiting()));
    out.counter("tandem_control_posts_refused_total", "Functions refused because the queue was full.",
                from.loop->posts_refused());
  }
  if (from.timers != nullptr) {
    out.gauge("tandem_control_timers", "Timers that wait.", static_cast<double>(from.timers->pending()));
    out.histogram("tandem_control_lateness_seconds", "How late control timers fired.",
                  from.timers->lateness_ms(), 1e-3);
  }
  if (from.pool != nullptr) {
    out.gauge("tandem_io_under_way", "Items of work on the I/O threads or waiting for them.",
              static_cast<double>(from.pool->under_way()));
    out.counter("tandem_io_refused_total", "Items refused because the queue was full.", from.pool->refused());
  }
  if (from.signaling != nullptr) {
    out.counter("tandem_signaling_events_malformed_total", "Events of the link that could not be read.",
                from.signaling->events_malformed().get());
    out.counter("tandem_signaling_commands_refused_total", "Commands that the link called malformed.",
                from.signaling->commands_refused().get());
  }
  if (from.cdrs != nullptr) {
    out.counter("tandem_cdr_total", "Call detail records.", from.cdrs->written().get(),
                {{"outcome", "stored"}});
    out.counter("tandem_cdr_total", "", from.cdrs->refused().get(), {{"outcome", "refused"}});
  }
}

}  // namespace

std::string metrics_text(const MetricsSources& from) {
  Families out;
  add_control(out, from);
  api::Metrics told;
  if (from.calls != nullptr) api::collect(*from.calls, told);
  if (from.anchors != nullptr) api::collect(*from.anchors, told);
  if (from.events != nullptr) api::collect(*from.events, told);
  if (from.plugins != nullptr) api::collect(*from.plugins, told);
  out.all_of(told);
  if (from.engine != nullptr) add_engine(out, *from.engine);
  return out.text();
}

}  // namespace tandem::app
