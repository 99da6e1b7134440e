// The engine's life, and the legs: open, configure, join, close. Sound is in engine_sound.cpp.
#include "core/session/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/id.hpp"
#include "core/session/media_thread.hpp"

namespace tandem::session {

MediaEngine::MediaEngine(const EngineConfig& config, Timers& timers, RunIo run_io, std::function<void()> wake,
                         loop::PortBinder& binder,
                         const std::function<std::unique_ptr<loop::MediaIo>()>& make_io,
                         const td_stage_type* dtmf)
    : timers_(timers),
      dtmf_(dtmf),
      binder_(binder),
      config_(config),
      run_io_(run_io),
      wake_(std::move(wake)),
      prompts_(std::move(run_io), config.prompt_cache_bytes),
      writer_([this] {
        if (threaded_) wake_();
      }) {
  media::MediaLoop::Limits limits;
  limits.legs = config_.legs_max / std::max(1u, config_.loops) + 1;
  for (unsigned i = 0; i < std::max(1u, config_.loops); ++i) {
    Unit unit;
    unit.io = make_io();
    unit.loop = std::make_unique<media::MediaLoop>(*unit.io, limits);
    units_.push_back(std::move(unit));
  }
  // Known from the start, so that the free ones can be counted; a wrong address is told at the first open().
  std::string host;
  if (!config_.host_v4.empty()) (void)ports_for(Family::v4, "", host);
  if (!config_.host_v6.empty()) (void)ports_for(Family::v6, "", host);
}

MediaEngine::~MediaEngine() { stop(); }

void MediaEngine::start() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  threaded_ = true;
  writer_.start();
  sender_.use_thread();
  for (unsigned i = 0; i < units_.size(); ++i) {
    const MediaThread::Config config{.number = i,
                                     .realtime = config_.realtime,
                                     .may_forward_at_once = config_.forwarding != Forwarding::on_tick,
                                     .must_forward_at_once = config_.forwarding == Forwarding::immediate};
    units_[i].thread = std::make_unique<MediaThread>(*units_[i].loop, *units_[i].io, config, wake_);
  }
}

void MediaEngine::stop() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (std::exchange(stopped_, true)) return;
  while (!legs_.empty()) close(legs_.begin()->first);
  for (Unit& unit : units_) {
    while (!unit.deferred.empty()) {  // the loop still runs: make room
      unit.loop->collect();
      flush_deferred(unit);
      if (unit.thread == nullptr) unit.loop->on_tick(timers_.now(), Nanos{0}, 1);
    }
    // Its last tick runs what waits, so that every leg says goodbye and comes home.
    if (unit.thread == nullptr) unit.loop->on_tick(timers_.now(), Nanos{0}, 1);
    unit.thread.reset();
  }
  writer_.pump_all();
  sender_.stop();
  pump();
}

void MediaEngine::tick(TimePoint now) {
  for (Unit& unit : units_) unit.loop->on_tick(now, Nanos{0}, 1);
  writer_.pump();
  if (timers_.now() - sent_at_ >= milliseconds(20)) {
    sent_at_ = timers_.now();
    sender_.pump();
  }
  pump();
}

void MediaEngine::pump() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  for (std::size_t i = 0; i < units_.size(); ++i) {
    units_[i].loop->collect();
    media::Event event;
    while (units_[i].loop->pop_event(event)) on_event(event);
    flush_deferred(units_[i]);
  }
  for (const FinishedRecording& finished : writer_.take_finished()) finish_recording(finished);
}

void MediaEngine::post(std::size_t index, std::unique_ptr<media::Command> command) {
  Unit& unit = units_[index];
  if (unit.deferred.empty() && unit.loop->post(command)) return;
  unit.deferred.push_back(std::move(command));  // nothing is lost, and order is kept
}

void MediaEngine::flush_deferred(Unit& unit) {
  while (!unit.deferred.empty() && unit.loop->post(unit.deferred.front())) unit.deferred.pop_front();
}

MediaEngine::LegEntry* MediaEngine::find(MediaId id) {
  const auto found = legs_.find(id);
  return found == legs_.end() ? nullptr : found->second.get();
}

// ---- open and close

Result<loop::PortRange*> MediaEngine::ports_for(Family family, const std::string& host,
                                                std::string& host_out) {
  host_out = !host.empty() ? host : family == Family::v6 ? config_.host_v6 : config_.host_v4;
  if (host_out.empty())
    return Error{ErrorCode::unsupported,
                 fmt::format("no {} address is configured for media; set media.address_{}",
                             family == Family::v6 ? "IPv6" : "IPv4", family == Family::v6 ? "v6" : "v4")};
  for (Ports& known : ports_)
    if (known.host == host_out) return known.range.get();
  const auto address = Address::parse(host_out, 0);
  if (!address)
    return Error{ErrorCode::invalid,
                 fmt::format("expected an IP address to bind media to, got \"{}\"", host_out)};
  loop::PortRange::Config range{
      .host = *address, .first = config_.port_min, .last = config_.port_max, .options = {}};
  range.options.dscp = config_.dscp;
  if (auto checked = loop::PortRange::check(range); !checked) return checked.error();
  ports_.push_back({host_out, std::make_unique<loop::PortRange>(binder_, range, random_u64())});
  return ports_.back().range.get();
}

std::size_t MediaEngine::choose_unit(MediaId near) {
  if (const LegEntry* other = find(near)) return other->unit;
  const auto least = std::min_element(units_.begin(), units_.end(),
                                      [](const Unit& a, const Unit& b) { return a.legs < b.legs; });
  return static_cast<std::size_t>(least - units_.begin());
}

Result<Opened> MediaEngine::open(const OpenSpec& spec) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (legs_.size() >= config_.legs_max) {
    ++counts_.legs_refused;
    return Error{ErrorCode::exhausted,
                 fmt::format("all {} legs are in use (media.legs_max)", config_.legs_max)};
  }
  std::string host;
  auto range = ports_for(spec.family, spec.local_host, host);
  if (!range) return range.error();
  auto pair = (*range)->open(timers_.now());
  if (!pair) {
    ++counts_.legs_refused;
    return pair.error();
  }
  auto entry = std::make_unique<LegEntry>();
  entry->id = ++last_id_;
  entry->unit = choose_unit(spec.near);
  entry->family = spec.family;
  entry->host = host;
  entry->rtp_port = pair->rtp.local().port();
  Opened opened{.id = entry->id, .rtp = pair->rtp.local(), .rtcp = pair->rtcp.local()};
  const std::string& advertised = spec.family == Family::v6 ? config_.advertised_v6 : config_.advertised_v4;
  if (const auto address = Address::parse(advertised, opened.rtp.port());
      address && spec.local_host.empty()) {
    opened.rtp = opened.rtcp = *address;
    opened.rtcp.set_port(pair->rtcp.local().port());
  }
  const std::string cname = make_id();
  media::Leg::Identity identity;
  identity.id = entry->id;
  const std::uint64_t random = random_u64();
  identity.origin = {rtp::Ssrc(static_cast<std::uint32_t>(random)),
                     rtp::SeqNum(static_cast<std::uint16_t>(random >> 32 & 0x7fff)),
                     rtp::RtpTime(static_cast<std::uint32_t>(random_u64()))};
  identity.rtcp = {.cname = cname,
                   .random_seed = random_u64() | 1,
                   .anchor = timers_.now(),
                   .anchor_ntp = rtp::NtpTime::from(timers_.wall_now())};
  entry->ssrc = identity.origin.ssrc.value();
  entry->leg = std::make_unique<media::Leg>(identity);
  ++units_[entry->unit].legs;
  struct State {
    media::Leg* leg;
    loop::PortPair ports;
  };
  post(entry->unit, media::make_command(
                        State{entry->leg.get(), std::move(*pair)}, [](media::MediaLoop& loop, State& state) {
                          // Cannot be refused: the loop's tables hold legs_max, and more were not opened.
                          (void)loop.add(*state.leg, std::move(state.ports.rtp), std::move(state.ports.rtcp));
                        }));
  legs_.emplace(entry->id, std::move(entry));
  return opened;
}

void MediaEngine::close(MediaId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  const auto found = legs_.find(id);
  if (found == legs_.end()) return;
  dissolve(*found->second);
  for (const FeedId feed : std::vector<FeedId>(found->second->feeds)) unlisten(feed);
  std::erase_if(streams_,
                [id](const auto& one) { return one.second.spec.leg == id; });  // closed with the leg
  struct State {
    std::unique_ptr<LegEntry> entry;
  };
  const std::size_t unit = found->second->unit;
  post(unit, media::make_command(
                 State{std::move(found->second)},
                 [](media::MediaLoop& loop, State& state) { loop.remove(*state.entry->leg); },
                 [this](State& state) {
                   --units_[state.entry->unit].legs;
                   for (Ports& ports : ports_)
                     if (ports.host == state.entry->host)
                       ports.range->release(state.entry->rtp_port, timers_.now());
                   state.entry.reset();
                 }));
  legs_.erase(found);
}

// ---- what SDP agreed

Result<void> MediaEngine::set_ice(MediaId id, const std::optional<stun::IceConfig>& config) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr) return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", id)};
  struct State {
    media::Leg* leg;
    std::unique_ptr<stun::IceLite> ice;
  };
  State state{entry->leg.get(), config ? std::make_unique<stun::IceLite>(*config) : nullptr};
  post(entry->unit, media::make_command(std::move(state), [](media::MediaLoop& loop, State& s) {
         s.leg->swap_ice(s.ice, loop.now());
       }));
  return {};
}

Result<void> MediaEngine::configure(MediaId id, const media::LegConfig& wanted) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* entry = find(id);
  if (entry == nullptr) return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", id)};
  media::LegConfig config = wanted;
  if (!config.payloads.empty())
    config.send_ptime_ms = codec::packet_ms(*config.payloads.front().codec, config.send_ptime_ms);
  struct State {
    media::Leg* leg;
    media::LegConfig config;
    std::unique_ptr<media::LegSetup> setup;
    media::LegCrypto::Keys keys;
    std::unique_ptr<media::KeyMask> mask;
    bool new_mask;
  };
  auto keys = media::LegCrypto::prepare(entry->config.srtp, config.srtp, entry->ssrc);
  if (!keys) return keys.error();
  const bool same = entry->configured && media::same_coders(entry->config, config);
  State state{entry->leg.get(), config, nullptr, std::move(*keys), nullptr, false};
  state.new_mask = !same || !(entry->config.keys == config.keys);
  if (state.new_mask && !config.payloads.empty()) {
    auto mask = make_mask(config);
    if (!mask) return mask.error();
    state.mask = std::move(*mask);
  }
  if (same) {
    post(entry->unit, media::make_command(std::move(state), [](media::MediaLoop& loop, State& s) {
           s.leg->swap_keys(s.keys);
           if (s.new_mask) s.leg->swap_mask(s.mask);
           s.leg->swap_config(s.config, loop.now());
         }));
    const bool may_relay = entry->config.may_relay;
    entry->config = std::move(config);
    if (may_relay != entry->config.may_relay) refresh_feeds(*entry);
    return {};
  }
  auto setup = media::LegSetup::create(units_[entry->unit].loop->pool(), config, dtmf_, config_.jitter);
  if (!setup) return setup.error();
  const std::uint32_t rate = (*setup)->rate;
  state.setup = std::move(*setup);
  post(entry->unit, media::make_command(std::move(state), [](media::MediaLoop& loop, State& s) {
         s.leg->swap_keys(s.keys);
         s.leg->swap_mask(s.mask);
         s.leg->swap_setup(s.setup, loop.now());
       }));
  const bool new_rate = entry->configured && entry->rate != rate;
  entry->config = std::move(config);
  entry->configured = true;
  entry->rate = rate;
  if (entry->peer != 0) refresh_transcoders(*entry);
  refresh_feeds(*entry);
  if (new_rate) stop_play(id);  // its clips are at the old rate
  if (new_rate) refresh_streams(*entry);
  return {};
}

// None where keys pass, or are only dropped.
Result<std::unique_ptr<media::KeyMask>> MediaEngine::make_mask(const media::LegConfig& config) const {
  media::KeyPolicy policy = config.keys;
  if (policy.act == media::KeyAct::drop) policy.act = media::KeyAct::pass;
  if (config.opaque || policy.idle()) return std::unique_ptr<media::KeyMask>();
  return media::KeyMask::create(config.keys, config.payloads.front().codec->sample_rate, dtmf_, random_u64());
}

Result<MediaEngine::Transcoders> MediaEngine::make_transcoders(const LegEntry& a, const LegEntry& b) {
  Transcoders made;
  if (!a.configured || !b.configured) return made;
  if (media::speak_alike(a.config, b.config) && media::speak_alike(b.config, a.config)) return made;
  auto to_a = media::Transcoder::create(b.config, a.config);
  if (!to_a) return to_a.error();
  auto to_b = media::Transcoder::create(a.config, b.config);
  if (!to_b) return to_b.error();
  made[0] = std::move(*to_a);
  made[1] = std::move(*to_b);
  return made;
}

void MediaEngine::refresh_transcoders(LegEntry& leg) {
  LegEntry* peer = find(leg.peer);
  if (peer == nullptr || peer == &leg || leg.links[0] != 0) return;
  LegEntry& first = leg.joined != nullptr ? leg : *peer;  // the holder is leg 0 of the session
  LegEntry& second = &first == &leg ? *peer : leg;
  auto made = make_transcoders(first, second);
  if (!made || first.joined == nullptr) return;
  struct State {
    media::Session* session;
    Transcoders transcoders;
  };
  post(first.unit,
       media::make_command(State{first.joined.get(), std::move(*made)}, [](media::MediaLoop&, State& state) {
         state.session->swap_transcoders(state.transcoders);
       }));
}

// ---- who hears whom

Result<void> MediaEngine::join(MediaId a, MediaId b) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  LegEntry* first = find(a);
  LegEntry* second = find(b);
  if (first == nullptr || second == nullptr)
    return Error{ErrorCode::not_found, fmt::format("no leg has the media id {}", first == nullptr ? a : b)};
  if (first->unit != second->unit) return link(*first, *second);
  auto transcoders = make_transcoders(*first, *second);
  if (!transcoders) return transcoders.error();
  dissolve(*first);
  dissolve(*second);
  first->joined = first == second
                      ? std::make_unique<media::Session>(*first->leg, media::Session::Echo{})
                      : std::make_unique<media::Session>(*first->leg, *second->leg, std::move(*transcoders));
  first->peer = b;
  second->peer = a;
  post(first->unit,
       media::make_command(first->joined.get(),
                           [](media::MediaLoop& loop, media::Session* session) { loop.join(*session); }));
  return {};
}

void MediaEngine::split(MediaId id) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (LegEntry* entry = find(id)) dissolve(*entry);
}

void MediaEngine::dissolve(LegEntry& leg) {
  LegEntry* peer = find(leg.peer);
  if (leg.peer == 0 || peer == nullptr) return;
  if (leg.links[0] != 0) {
    peer->links = {};
    leg.peer = peer->peer = 0;
    for (const FeedId id : std::exchange(leg.links, {})) unlisten(id);
    return;
  }
  std::unique_ptr<media::Session> session = std::move(leg.joined != nullptr ? leg.joined : peer->joined);
  leg.peer = 0;
  peer->peer = 0;
  post(leg.unit, media::make_command(std::move(session),
                                     [](media::MediaLoop& loop, std::unique_ptr<media::Session>& held) {
                                       loop.split(*held);
                                     }));
}

EngineCounters MediaEngine::counters() const {
  EngineCounters out = counts_;
  out.legs = legs_.size();
  out.recordings = recordings_.size();
  out.streams = streams_.size();
  out.feeds = feeds_.size();
  for (const auto& [id, listening] : feeds_) out.packets_not_crossed += listening.feed->dropped();
  out.prompts_cached = prompts_.size();
  for (const Ports& ports : ports_) out.ports_free += ports.range->pairs() - ports.range->in_use();
  for (const Unit& unit : units_) {
    out.commands_refused += unit.loop->commands_refused();
    out.events_lost += unit.loop->events_lost();
  }
  return out;
}

}  // namespace tandem::session
